#include "procfs/printable.h"

#include <array>
#include <cstdio>

#include "procfs/utf8.h"

namespace resource_attribution::procfs {

std::string Printable(std::string_view text, size_t most) {
  std::string printable;
  unsigned char before = 0;
  size_t hidden = 0;  // bytes of an invisible character that are to come
  const std::string_view shown = text.substr(0, most);
  for (size_t at = 0; at < shown.size(); ++at) {
    const char byte = shown[at];
    const auto code = static_cast<unsigned char>(byte);
    if (hidden == 0) {
      const Character character = FirstCharacter(shown.substr(at));
      if (IsInvisible(character.code)) hidden = character.size;
    }
    // U+0080 to U+009F, in UTF-8 after a C2, are control characters as well:
    // one of them begins a terminal's commands.
    const bool second_of_c1 = before == 0xc2 && code >= 0x80 && code <= 0x9f;
    before = code;
    const bool is_hidden = hidden > 0;
    if (is_hidden) --hidden;
    if (code >= 0x20 && code != 0x7f && !second_of_c1 && !is_hidden) {
      printable += byte;
      continue;
    }
    std::array<char, 5> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", code);
    printable += escaped.data();
  }
  if (text.size() > most) printable += "...";
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
