#include "option_values.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace resource_attribution {

std::optional<bool> ParseBoolean(const std::string& text) {
  const auto is_any_of = [&text](const auto& words) {
    return std::any_of(words.begin(), words.end(), [&text](const char* word) {
      return strcasecmp(text.c_str(), word) == 0;
    });
  };
  if (is_any_of(std::array{"true", "yes", "on", "1"})) return true;
  if (is_any_of(std::array{"false", "no", "off", "0"})) return false;
  return std::nullopt;
}

bool IsInterval(double seconds) {
  constexpr double kYear = 31536000;
  return seconds >= 0.1 && seconds <= kYear;  // false for NaN
}

std::string FormatNumber(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", number);
  return text.data();
}

}  // namespace resource_attribution
