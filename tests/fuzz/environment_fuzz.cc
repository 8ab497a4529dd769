#include <strings.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "environment.h"
#include "fuzz.h"

using namespace resource_attribution;

namespace {

bool IsAnyOf(const std::string& value,
             const std::array<const char*, 4>& words) {
  return std::any_of(words.begin(), words.end(), [&value](const char* word) {
    return strcasecmp(value.c_str(), word) == 0;
  });
}

}  // namespace

// One variable on the first line, the other behind it.
void Fuzz(std::string_view bytes) {
  const size_t line = std::min(bytes.find('\n'), bytes.size());
  // To the first NUL, as setenv(3) takes them.
  const std::string enabled = std::string(bytes.substr(0, line)).c_str();
  const std::string interval =
      std::string(bytes.substr(std::min(line + 1, bytes.size()))).c_str();
  setenv(kEnabledVariable, enabled.c_str(), 1);
  setenv(kIntervalVariable, interval.c_str(), 1);
  const Environment environment = ReadEnvironment();

  const bool is_true = IsAnyOf(enabled, {"true", "yes", "on", "1"});
  const bool is_false = IsAnyOf(enabled, {"false", "no", "off", "0"});
  Require(environment.enabled.has_value() == (is_true || is_false) &&
              environment.enabled.value_or(false) == is_true,
          "a boolean is one of eight words");
  if (environment.interval_seconds) {
    const double seconds = *environment.interval_seconds;
    Require(seconds >= 0.1 && seconds <= 31536000, "an interval is in range");
    Require(seconds == std::strtod(interval.c_str(), nullptr),
            "an interval is the number that it spells");
  }
  const size_t invalid =
      (!enabled.empty() && !environment.enabled ? 1 : 0) +
      (!interval.empty() && !environment.interval_seconds ? 1 : 0);
  Require(environment.errors.size() == invalid,
          "each invalid variable is one error");
  for (const std::string& error : environment.errors) {
    Require(!HasControlCharacter(error), "an error is printable");
  }
}
