#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_MAPS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_MAPS_H_

#include <optional>
#include <string_view>

namespace resource_attribution::procfs {

/// A file of which a piece is mapped.
struct MappedFile {
  std::string_view path{};
  bool is_code = false;  ///< the piece may be executed
};

/// Removes lines from the front of `maps`, the rest of the content of
/// `/proc/PID/maps`, up to the next line with a file, and returns it;
/// none at the end. proc(5), "/proc/pid/maps".
///
/// The kernel writes line breaks in a path as `\012`, and appends " (deleted)"
/// to the path of a removed file. A file is mapped in several pieces, so the
/// same path comes several times.
std::optional<MappedFile> NextMappedFile(std::string_view& maps);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_MAPS_H_
