#include "discovery/listing.h"

#include <algorithm>

#include "discovery/pid_file.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Error;
using procfs::Result;

void Note(const Error& error, std::string& problem) {
  if (!error.Gone() && problem.empty()) problem = error.Message();
}

bool HasLowerPid(const CgroupMember& one, const CgroupMember& other) {
  return one.pid < other.pid;
}

// By PID, each once. Of several cgroups, in several hierarchies, the one that
// says most.
void SortAndUnify(std::vector<CgroupMember>& members) {
  std::sort(members.begin(), members.end(),
            [](const CgroupMember& one, const CgroupMember& other) {
              if (one.pid != other.pid) return one.pid < other.pid;
              return one.cgroup.size() > other.cgroup.size();
            });
  const auto end =
      std::unique(members.begin(), members.end(),
                  [](const CgroupMember& one, const CgroupMember& other) {
                    return one.pid == other.pid;
                  });
  members.erase(end, members.end());
}

}  // namespace

Result<void> Listing::List(const procfs::Procfs& proc,
                           const Selectors& selectors, bool lists_cgroups,
                           std::vector<CgroupMember>& members,
                           std::string& problem) {
  members.clear();
  bool is_first = true;
  const auto add_kind = [&](bool is_selected, auto list) -> Result<void> {
    if (!is_selected) return {};
    kind_.clear();
    if (const Result<void> listed = list(); !listed) {
      if (listed.error().OutOfResources()) return listed;
      Note(listed.error(), problem);
    }
    Intersect(members, is_first);
    is_first = false;
    return {};
  };
  return add_kind(selectors.self, [&] { return ListSelf(proc); })
      .and_then([&] {
        return add_kind(!selectors.pid_files.empty(), [&] {
          return ListPidFiles(selectors.pid_files, problem);
        });
      })
      .and_then([&] {
        return add_kind(lists_cgroups && !selectors.cgroups.empty(),
                        [&] { return ListCgroups(selectors.cgroups); });
      })
      .and_then([&] {
        return add_kind(lists_cgroups && !selectors.systemd_units.empty(),
                        [&] { return ListUnits(selectors.systemd_units); });
      });
}

// Takes those of kind_, or of them those that are in `members` already.
void Listing::Intersect(std::vector<CgroupMember>& members, bool is_first) {
  SortAndUnify(kind_);
  if (!is_first) {
    // Neither cgroup is lost.
    for (CgroupMember& member : kind_) {
      const auto known =
          std::lower_bound(members.begin(), members.end(), member, HasLowerPid);
      const bool in_both = known != members.end() && known->pid == member.pid;
      if (!in_both) member.pid = 0;
      if (in_both && member.cgroup.empty()) member.cgroup = known->cgroup;
    }
    std::erase_if(kind_,
                  [](const CgroupMember& member) { return member.pid == 0; });
  }
  std::swap(members, kind_);
}

Result<void> Listing::ListSelf(const procfs::Procfs& proc) {
  const auto self = proc.Self();
  if (!self) return tl::unexpected(self.error());
  kind_.push_back({.pid = *self});
  return {};
}

Result<void> Listing::ListPidFiles(const std::vector<std::string>& paths,
                                   std::string& problem) {
  for (const std::string& path : paths) {
    const auto pid = ReadPidFile(path, buffer_);
    if (pid) {
      kind_.push_back({.pid = *pid});
    } else if (pid.error().OutOfResources()) {
      return tl::unexpected(pid.error());
    } else {
      Note(pid.error(), problem);
    }
  }
  return {};
}

Result<void> Listing::ListCgroups(const std::vector<CgroupPattern>& patterns) {
  return ListEach(patterns, [&](const CgroupPattern& pattern) {
    return cgroups_.List(pattern, kind_);
  });
}

Result<void> Listing::ListUnits(const std::vector<std::string>& units) {
  return ListEach(units, [&](const std::string& unit) {
    return cgroups_.ListUnit(unit, kind_);
  });
}

// All of them, whichever fails. Returns the last error, or what leaves no
// resources to go on with.
Result<void> Listing::ListEach(const auto& selected, auto list) {
  Result<void> result = BeginCgroups();
  if (!result) return result;
  for (const auto& one : selected) {
    const Result<void> listed = list(one);
    if (listed) continue;
    result = listed;
    if (listed.error().OutOfResources()) break;
  }
  return result;
}

// Once a pass, and only where a block asks for cgroups.
Result<void> Listing::BeginCgroups() {
  if (cgroups_begun_) return {};
  auto begun = cgroups_.BeginPass();
  cgroups_begun_ = begun.has_value();
  return begun;
}

}  // namespace resource_attribution::discovery
