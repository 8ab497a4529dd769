#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_

#include <string_view>

namespace resource_attribution::procfs {

/// The path of the executable from the target of the link `/proc/PID/exe`;
/// proc(5), "/proc/pid/exe". Once the file was unlinked, as by an upgrade, the
/// kernel appends " (deleted)"; this cuts it. Refers to `target`.
inline std::string_view ParseExe(std::string_view target) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (target.ends_with(kDeleted)) target.remove_suffix(kDeleted.size());
  return target;
}

/// What is behind the last slash of a path.
inline std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_
