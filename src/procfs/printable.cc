#include "procfs/printable.h"

#include <array>
#include <cstdio>

namespace resource_attribution::procfs {

std::string Printable(std::string_view text) {
  constexpr size_t kMax = 200;
  std::string printable;
  unsigned char before = 0;
  for (const char byte : text.substr(0, kMax)) {
    const auto code = static_cast<unsigned char>(byte);
    // U+0080 to U+009F, in UTF-8 after a C2, are control characters as well:
    // one of them begins a terminal's commands.
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

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : Printable(text)) {
    if (byte == '\\' || byte == '"') quoted += '\\';
    quoted += byte;
  }
  return quoted + '"';
}

}  // namespace resource_attribution::procfs
