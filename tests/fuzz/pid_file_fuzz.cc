#include "discovery/pid_file.h"
#include "fuzz.h"

using resource_attribution::discovery::ParsePidFile;

void Fuzz(std::string_view bytes) {
  const auto pid = ParsePidFile(bytes);
  if (!pid) {
    Require(pid.error().expected != nullptr, "an error says what is expected");
    return;
  }
  Require(*pid >= 1 && *pid <= 4194304, "a PID is one that Linux gives");
  const std::string text = std::to_string(*pid);
  Require(bytes.find(text) < bytes.find('\n'), "it stands on the first line");
  Require(ParsePidFile(text + "\n") == *pid,
          "what is written anew reads the same");
}
