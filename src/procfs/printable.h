#ifndef RESOURCE_ATTRIBUTION_PROCFS_PRINTABLE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace resource_attribution::procfs {

/// `text` without characters that would break a log line, drive a terminal or
/// deceive its reader: bytes of control characters and of invisible characters
/// (IsInvisible) are written as `\xNN`. Text of more than `most` bytes is cut:
/// several of them fit into a line of collectd's log.
std::string Printable(std::string_view text, size_t most = 200);

/// The same for a line of its own: collectd's log takes 1,024 bytes.
inline std::string PrintableLine(std::string_view text) {
  constexpr size_t kMost = 900;
  return Printable(text, kMost);
}

/// `text`, printable, as a value in collectd's configuration: in quotes, with
/// the backslashes that collectd's parser takes away.
std::string Quoted(std::string_view text);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PRINTABLE_H_
