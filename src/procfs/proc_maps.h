#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_MAPS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_MAPS_H_

#include <optional>
#include <string_view>

namespace resource_attribution::procfs {

/// Takes lines off the front of `maps`, the content of `/proc/PID/maps` from
/// there on, up to the next one with a file; its path, none at the end.
/// proc(5), "/proc/pid/maps".
///
/// Line breaks in a path are `\012` there; a file that is gone has
/// " (deleted)" behind its path. One file is mapped in several pieces, so that
/// the same path comes again.
std::optional<std::string_view> NextMappedFile(std::string_view& maps);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_MAPS_H_
