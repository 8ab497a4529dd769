#ifndef RESOURCE_ATTRIBUTION_PLUGIN_OPTION_VALUES_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_OPTION_VALUES_H_

#include <optional>
#include <string>
#include <string_view>

#include "procfs/printable.h"

namespace resource_attribution {

using procfs::Printable;
using procfs::Quoted;

// What is valid for options that can be set in the file and in the environment.

inline constexpr const char* kBooleanExpected =
    "true or false (or yes/no, on/off, 1/0)";

/// A boolean in any of its spellings and in any case.
std::optional<bool> ParseBoolean(const std::string& text);

inline constexpr const char* kIntervalExpected =
    "a number of seconds from 0.1 to 31536000 (a year)";

bool IsInterval(double seconds);

/// A number as short as it can be written, up to 15 digits.
std::string FormatNumber(double number);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_OPTION_VALUES_H_
