#ifndef RESOURCE_ATTRIBUTION_PROCFS_UTF8_H_
#define RESOURCE_ATTRIBUTION_PROCFS_UTF8_H_

#include <cstddef>
#include <string_view>

namespace resource_attribution::procfs {

/// A character of a text in UTF-8.
struct Character {
  size_t size = 0;  ///< in bytes; 0: there is no UTF-8
  char32_t code = 0;
};

/// The character at the beginning of `text`; RFC 3629, section 4.
Character FirstCharacter(std::string_view text);

/// Whether the byte is one behind the first of a character.
bool IsContinuation(char byte);

/// Control characters: C0, DEL and C1.
bool IsControl(char32_t code);

/// Characters that are not seen but join, split or reorder those around them,
/// so that one text looks like another: Unicode's format characters (Cf), and
/// its separators of lines and paragraphs.
bool IsInvisible(char32_t code);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_UTF8_H_
