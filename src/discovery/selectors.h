#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_SELECTORS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_SELECTORS_H_

#include <algorithm>
#include <string>
#include <vector>

#include "discovery/cgroups.h"
#include "discovery/expression.h"
#include "procfs/proc_comm.h"

namespace resource_attribution::discovery {

/// Which processes belong to a block. A process matches if every kind of
/// selector that is given matches. If a kind is given several times, any of its
/// values may match.
struct Selectors {
  bool self = false;                       ///< the collectd daemon itself
  std::vector<std::string> pid_files;      ///< paths; the PID is the first line
  std::vector<CgroupPattern> cgroups;      ///< with all cgroups below them
  std::vector<std::string> systemd_units;  ///< names, patterns of fnmatch(3)

  /// Command names. The kernel keeps 15 bytes of one. For a longer name, its
  /// first 15 bytes must match, and the whole must be the base name of the
  /// executable, of argv[0] or of a script (argv[1] or argv[2]).
  std::vector<std::string> names;

  std::vector<std::string> executables;  ///< absolute paths
  Expressions command_lines;             ///< match any part of the command line
  std::vector<std::string> users;  ///< names or numbers of effective users

  /// Not a selector by itself: the descendants of a process that matches belong
  /// to the block as well, as long as their chain of parents leads to it.
  bool include_children = false;

  bool empty() const {
    return !HaveOwnList() && !HaveCgroups() && names.empty() &&
           executables.empty() && command_lines.empty() && users.empty();
  }

  /// The list of candidates does not come from the kernel: PID files have it,
  /// or it is the daemon alone.
  bool HaveOwnList() const { return self || !pid_files.empty(); }

  /// The kernel keeps a list of the candidates.
  bool HaveCgroups() const {
    return !cgroups.empty() || !systemd_units.empty();
  }

  /// Whether a process may match by its command line, which it can rewrite
  /// without a process event.
  bool AskForCommandLine() const {
    return !command_lines.empty() ||
           std::ranges::any_of(names, [](const auto& name) {
             return name.size() > procfs::kCommMax;
           });
  }
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_SELECTORS_H_
