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

std::string Printable(std::string_view text) {
  constexpr size_t kMax = 200;
  std::string printable;
  unsigned char before = 0;
  for (const char byte : text.substr(0, kMax)) {
    const auto code = static_cast<unsigned char>(byte);
    // U+0080 to U+009F, in UTF-8 after a C2, are control characters as well:
    // there is one that begins a terminal's commands.
    const bool second_of_c1 = before == 0xc2 && code >= 0x80 && code <= 0x9f;
    before = code;
    if (code >= 0x20 && code != 0x7f && !second_of_c1) {
      printable += byte;
      continue;
    }
    std::array<char, 5> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", code);
    printable += escaped.data();
  }
  if (text.size() > kMax) printable += "...";
  return printable;
}

}  // namespace resource_attribution
