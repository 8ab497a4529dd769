#include "environment.h"

#include <cstdlib>
#include <string_view>

#include "config/value_kinds.h"
#include "procfs/decimal.h"
#include "procfs/printable.h"

namespace resource_attribution {
namespace {

// The value of a variable; none if it is unset or empty.
std::optional<std::string_view> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string Invalid(const char* name, std::string_view value,
                    const std::string& expected) {
  return std::string("environment variable ") + name + "=\"" +
         procfs::Printable(value) + "\": expected " + expected;
}

}  // namespace

Environment ReadEnvironment() {
  Environment environment;
  if (const auto value = Variable(kEnabledVariable)) {
    environment.enabled = options::Boolean::Parse(std::string(*value));
    if (!environment.enabled) {
      environment.errors.push_back(
          Invalid(kEnabledVariable, *value, options::Boolean::kExpected));
    }
  }
  if (const auto value = Variable(kIntervalVariable)) {
    const auto seconds = procfs::ParseDecimal<double>(*value);
    if (seconds && options::kInterval.Has(*seconds)) {
      environment.interval_seconds = seconds;
    } else {
      environment.errors.push_back(
          Invalid(kIntervalVariable, *value, options::kInterval.Expected()));
    }
  }
  if (const auto value = Variable(kCheckVariable)) {
    environment.check = *value == "options"        ? Check::kOptions
                        : *value == "options=json" ? Check::kOptionsAsJson
                                                   : Check::kProcesses;
  }
  return environment;
}

}  // namespace resource_attribution
