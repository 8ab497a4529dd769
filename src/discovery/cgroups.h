#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_CGROUPS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_CGROUPS_H_

#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "procfs/file.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// The components of a cgroup path from the root of the hierarchy. Each may be
/// a pattern of fnmatch(3), without its escapes: systemd puts backslashes into
/// names.
using CgroupPattern = std::vector<std::string>;

/// The components of `path`. A `/` at its beginning or end does not count, and
/// several in a row count once.
CgroupPattern SplitCgroupPath(std::string_view path);

/// A process in a cgroup, whose path begins with `/`.
struct CgroupMember {
  pid_t pid = 0;
  std::string_view cgroup;
};

/// The cgroup hierarchies that keep services apart: v2, and v1's hierarchy
/// named `systemd`; a hybrid host has both. cgroups(7). Not thread-safe.
///
/// Lists members as the kernel shows them at that moment, in `cgroup.procs` of
/// each cgroup. The file holds PIDs of the reader's PID namespace, and 0 for a
/// process outside of it. Walks no more than 4,096 cgroups and 1 MiB of paths
/// below one cgroup, the shallow ones first, and 65,536 and 8 MiB for one
/// selector.
class Cgroups {
 public:
  /// `mounts` is the file that lists the mounted file systems, in the format of
  /// fstab(5), usually "/proc/self/mounts".
  explicit Cgroups(std::string mounts) : mounts_(std::move(mounts)) {}

  /// Begins a pass: members that were listed before are no longer valid. Fails
  /// while neither hierarchy is mounted.
  procfs::Result<void> BeginPass();

  /// Adds the processes in the cgroups that match `pattern`, and in all cgroups
  /// below these. May add a process twice. A cgroup that cannot be read is left
  /// out, and no other: the error names the first, or says that the reader is
  /// out of descriptors or memory.
  procfs::Result<void> List(const CgroupPattern& pattern,
                            std::vector<CgroupMember>& members);

  /// Adds the processes of systemd's units whose name matches `unit`, a pattern
  /// of fnmatch(3): units of the system in any slice, and slices themselves.
  /// All cgroups below that of a unit belong to the unit, whatever their names:
  /// a user's cgroup cannot pass for a unit of the system.
  procfs::Result<void> ListUnit(const std::string& unit,
                                std::vector<CgroupMember>& members);

 private:
  // A cgroup: which hierarchy, and its path there.
  struct Cgroup {
    int root;
    const std::string* path;
  };
  struct Unit {
    Cgroup cgroup;
    std::string_view name;  // refers to its path
  };

  // How much was used when something began.
  struct Used {
    size_t paths = 0;
    size_t bytes = 0;
  };

  // What was left out first.
  struct LeftOut {
    std::string file;     // as errors call it
    procfs::Error error;  // of which this is the file
  };

  procfs::Result<void> FindHierarchies();
  void SetToRoots(std::vector<Cgroup>& cgroups) const;
  Cgroup Child(const Cgroup& parent, std::string_view name);
  procfs::Result<void> LeaveOut(const Cgroup& cgroup,
                                const procfs::Error& error);
  procfs::Result<void> Outcome() const;
  void GiveBack();
  void BeginSelector();
  void BeginWalk();
  procfs::Result<void> WalkChildren(const Cgroup& top, const Cgroup& cgroup,
                                    auto take);
  procfs::Result<void> ForEachChild(const Cgroup& cgroup, auto take);
  procfs::Result<void> ListUnits();
  procfs::Result<void> NextLevel(const std::string& component);
  procfs::Result<void> ListBelow(const Cgroup& cgroup,
                                 std::vector<CgroupMember>& members);
  procfs::Result<void> ListProcesses(const Cgroup& cgroup,
                                     std::vector<CgroupMember>& members);

  const std::string mounts_;
  std::vector<procfs::FileDescriptor> roots_;
  // Strings that keep their addresses and their memory from pass to pass. This
  // pass uses those before paths_used_.
  std::deque<std::string> paths_;
  size_t paths_used_ = 0;
  size_t path_bytes_ = 0;  // in those
  Used selector_begun_;
  std::optional<Used> walk_begun_;  // the walk below one cgroup
  bool units_listed_ = false;
  std::optional<LeftOut> left_out_;        // of what is being listed
  std::optional<LeftOut> units_left_out_;  // when units were listed
  std::vector<Unit> units_;
  // Kept for their memory.
  std::vector<Cgroup> level_;
  std::vector<Cgroup> next_level_;
  std::vector<Cgroup> below_;
  procfs::Buffer buffer_;
};

/// Where such a hierarchy is mounted.
struct CgroupMount {
  std::string directory;
  bool is_v2 = false;  ///< else v1's `systemd`
};

/// The mounts of these hierarchies. `mounts` is as for Cgroups.
procfs::Result<std::vector<CgroupMount>> CgroupMounts(
    const std::string& mounts);

/// `path` without the `/..` at its beginning. The kernel shows paths relative
/// to the root of the reader's cgroup namespace. It writes a `/..` for each
/// level above that root, and hides the names of the levels that both paths
/// have in common; cgroup_namespaces(7).
std::string_view VisiblePart(std::string_view path);

/// Whether the cgroup `path` of a process matches `pattern`, or is below one
/// that matches. An error if the beginning of the path is not visible.
procfs::Result<bool> IsInCgroup(const CgroupPattern& pattern,
                                std::string_view path);

/// Whether a process in the cgroup `path` belongs to a unit of the system whose
/// name matches `unit`, a pattern of fnmatch(3); see Cgroups::ListUnit.
bool IsOfUnit(const std::string& unit, std::string_view path);

/// The systemd unit of the system to which a process in the cgroup `path`
/// belongs: the first visible component that is no slice. Empty if there is
/// none.
std::string_view SystemdUnitOf(std::string_view path);

/// The last visible component of `path`; empty for the root.
std::string_view LastComponent(std::string_view path);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_CGROUPS_H_
