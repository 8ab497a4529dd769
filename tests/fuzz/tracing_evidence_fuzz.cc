#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "measures/tracing_evidence.h"

using resource_attribution::measures::Detection;
using resource_attribution::measures::ProgramSigns;
using resource_attribution::measures::TracingEvidence;
using resource_attribution::store::TracingState;

namespace {

// What the files of a process say.
struct Files {
  std::string environ;
  std::string cmdline;
  std::string maps;
  std::string exe;
};

// Takes what is before the next \1 off the front.
std::string NextFile(std::string_view& bytes) {
  const std::string file(bytes.substr(0, bytes.find('\1')));
  bytes.remove_prefix(std::min(file.size() + 1, bytes.size()));
  return file;
}

Detection DetectionOf(const Files& files, const ProgramSigns& program = {}) {
  TracingEvidence evidence;
  evidence.AddEnviron(files.environ);
  evidence.AddArguments(files.cmdline);
  evidence.AddMaps(files.maps, files.exe);
  evidence.AddOpenFile(files.exe);
  evidence.AddProgram(program);
  return evidence.Decide();
}

bool Same(const Detection& one, const Detection& other) {
  return one.tracing == other.tracing &&
         std::string_view(one.evidence) == other.evidence;
}

}  // namespace

void Fuzz(std::string_view bytes) {
  const std::string environ = NextFile(bytes);
  const std::string cmdline = NextFile(bytes);
  const std::string maps = NextFile(bytes);
  const Files files{environ, cmdline, maps, NextFile(bytes)};
  const Detection detection = DetectionOf(files);
  Require(detection.tracing == TracingState::kUnknown ||
              *detection.evidence != '\0',
          "an answer has its evidence");
  Require(detection.is_switched_off ==
              (detection.tracing == TracingState::kUntraced),
          "without its program a process is untraced only if it is told");

  Files twice = files;
  twice.environ += '\0' + environ;
  Require(DetectionOf(twice).tracing == detection.tracing,
          "of one name the first variable counts");
  twice = files;
  twice.maps += '\n' + maps;
  Require(Same(detection, DetectionOf(twice)), "a file may be mapped twice");

  const ProgramSigns no_sdk{.answer = ProgramSigns::Answer::kNoSdk,
                            .evidence = "no SDK"};
  const Detection without = DetectionOf(files, no_sdk);
  Require(
      detection.tracing == TracingState::kUnknown || Same(detection, without),
      "a program without an SDK decides only what is unknown");

  Files told = files;
  told.environ += '\0' + std::string("DD_TRACE_ENABLED=true");
  Require(DetectionOf(told).tracing != TracingState::kUnknown,
          "a variable more is seen");

  using namespace std::string_literals;
  Files agent = files;
  agent.cmdline = "java\0-javaagent:/skywalking-agent.jar\0"s + cmdline;
  Require(DetectionOf(agent).tracing == TracingState::kTraced,
          "nothing turns off an agent that has no setting for it");
}
