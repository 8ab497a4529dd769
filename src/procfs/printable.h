#ifndef RESOURCE_ATTRIBUTION_PROCFS_PRINTABLE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PRINTABLE_H_

#include <string>
#include <string_view>

namespace resource_attribution::procfs {

/// `text` without characters that would break a log line, drive a terminal or
/// deceive its reader: bytes of control characters and of invisible characters
/// (IsInvisible) are written as `\xNN`. Text that is too long for collectd's
/// log is cut.
std::string Printable(std::string_view text);

/// `text`, printable, as a value in collectd's configuration: in quotes, with
/// the backslashes that collectd's parser takes away.
std::string Quoted(std::string_view text);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PRINTABLE_H_
