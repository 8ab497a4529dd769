#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_LISTING_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_LISTING_H_

#include <string>
#include <vector>

#include "discovery/cgroups.h"
#include "discovery/selectors.h"
#include "procfs/procfs.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// Reads the lists that there are of processes: PID files, and the kernel's of
/// the processes in a cgroup. Not thread-safe.
class Listing {
 public:
  /// `mounts` is as for Cgroups.
  explicit Listing(std::string mounts) : cgroups_(std::move(mounts)) {}

  /// Begins a pass: members that were listed before are no longer valid.
  void BeginPass() { cgroups_begun_ = false; }

  /// Fills `members`, by PID and each once, with the processes that are on a
  /// list of every kind that `selectors` have, those of cgroups only where
  /// `lists_cgroups`. The cgroup is empty where none is listed. What keeps a
  /// list from being read is added to `problem`, unless it is only not there.
  /// Throws procfs::PassFailed.
  void List(const procfs::Procfs& proc, const Selectors& selectors,
            bool lists_cgroups, std::vector<CgroupMember>& members,
            std::string& problem);

 private:
  void ListSelf(const procfs::Procfs& proc, std::string& problem);
  void ListPidFiles(const std::vector<std::string>& paths,
                    std::string& problem);
  void ListEach(const auto& selected, std::string& problem, auto list);
  void Intersect(std::vector<CgroupMember>& members, bool is_first);

  Cgroups cgroups_;
  bool cgroups_begun_ = false;
  std::vector<CgroupMember> kind_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_LISTING_H_
