#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_LISTING_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_LISTING_H_

#include <string>
#include <vector>

#include "discovery/cgroups.h"
#include "discovery/selectors.h"
#include "procfs/procfs.h"

namespace resource_attribution::discovery {

/// Reads lists of processes: PID files, and the kernel's lists of the processes
/// in a cgroup. Not thread-safe.
class Listing {
 public:
  /// `mounts` is as for Cgroups.
  explicit Listing(std::string mounts) : cgroups_(std::move(mounts)) {}

  /// Begins a pass: members that were listed before are no longer valid.
  void BeginPass() { cgroups_begun_ = false; }

  /// Fills `members`, sorted by PID and without duplicates, with the processes
  /// that are on a list of every kind that `selectors` have. Lists of cgroups
  /// count only if `lists_cgroups`. A member has an empty cgroup if no cgroup
  /// was listed. If a list cannot be read, adds the reason to `problem`, unless
  /// the list does not exist. Throws procfs::PassFailed.
  void List(const procfs::Procfs& proc, const Selectors& selectors,
            bool lists_cgroups, std::vector<CgroupMember>& members,
            std::string& problem);

 private:
  void ListSelf(const procfs::Procfs& proc, std::string& problem);
  void ListPidFiles(const procfs::Procfs& proc,
                    const std::vector<std::string>& paths,
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
