#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_SELECTORS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_SELECTORS_H_

#include <algorithm>
#include <string>
#include <vector>

#include "discovery/cgroups.h"
#include "discovery/expression.h"
#include "procfs/proc_comm.h"

namespace resource_attribution::discovery {

/// Which processes belong to a block. A process matches when every kind of
/// selector that is given holds; several of one kind mean any of them.
struct Selectors {
  /// The collectd daemon itself.
  bool self = false;

  /// Absolute paths of files whose first line is the PID.
  std::vector<std::string> pid_files;

  /// Cgroups, those below them included.
  std::vector<CgroupPattern> cgroups;

  /// Names of systemd units, patterns of fnmatch(3).
  std::vector<std::string> systemd_units;

  /// Command names. The kernel keeps 15 bytes of one. For a longer name these
  /// have to match, and the base name of the executable, of argv[0] or of a
  /// script (argv[1] or argv[2]) has to be the whole name.
  std::vector<std::string> names;

  /// Absolute paths of executables.
  std::vector<std::string> executables;

  /// Expressions that are searched in the command line.
  Expressions command_lines;

  /// Names or numbers of effective users.
  std::vector<std::string> users;

  /// Not a selector of its own: the descendants of a process that matches
  /// belong to the block as well, for as long as their parents lead to it.
  bool include_children = false;

  bool empty() const {
    return !HaveOwnList() && !HaveCgroups() && names.empty() &&
           executables.empty() && command_lines.empty() && users.empty();
  }

  /// The candidates are listed apart from the kernel: in PID files, or it is
  /// the daemon alone.
  bool HaveOwnList() const { return self || !pid_files.empty(); }

  /// The kernel keeps a list of the candidates.
  bool HaveCgroups() const {
    return !cgroups.empty() || !systemd_units.empty();
  }

  /// Whether a process may match by its command line, which it can rewrite
  /// without a process event.
  bool AskForCommandLine() const {
    return !command_lines.empty() ||
           std::any_of(names.begin(), names.end(), [](const auto& name) {
             return name.size() > procfs::kCommMax;
           });
  }
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_SELECTORS_H_
