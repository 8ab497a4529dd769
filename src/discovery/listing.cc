#include "discovery/listing.h"

#include <algorithm>

#include "discovery/pid_file.h"
#include "procfs/capabilities.h"
#include "procfs/pass_failed.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Error;

// Adds the reason why a list cannot be read, unless the list does not exist.
void Note(const Error& error, std::string& problem) {
  procfs::ThrowIfOutOfResources(error);
  if (error.Gone() || !problem.empty()) return;
  problem = procfs::Explain(error, {procfs::kDacReadSearch});
}

// Sorts by PID and removes duplicates. If a process is in cgroups of several
// hierarchies, keeps the longest path, which says most.
void SortAndUnify(std::vector<CgroupMember>& members) {
  std::ranges::sort(members,
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

void Listing::List(const procfs::Procfs& proc, const Selectors& selectors,
                   bool lists_cgroups, std::vector<CgroupMember>& members,
                   std::string& problem) {
  members.clear();
  bool is_first = true;
  const auto add_kind = [&](bool is_selected, auto list) {
    if (!is_selected) return;
    kind_.clear();
    list();
    Intersect(members, is_first);
    is_first = false;
  };
  add_kind(selectors.self, [&] { ListSelf(proc, problem); });
  add_kind(!selectors.pid_files.empty(),
           [&] { ListPidFiles(proc, selectors.pid_files, problem); });
  if (!lists_cgroups) return;
  add_kind(!selectors.cgroups.empty(), [&] {
    ListEach(selectors.cgroups, problem, [&](const CgroupPattern& pattern) {
      return cgroups_.List(pattern, kind_);
    });
  });
  add_kind(!selectors.systemd_units.empty(), [&] {
    ListEach(selectors.systemd_units, problem, [&](const std::string& unit) {
      return cgroups_.ListUnit(unit, kind_);
    });
  });
}

// Takes all of kind_ if it is the first kind, else keeps the members that are
// in kind_, too.
void Listing::Intersect(std::vector<CgroupMember>& members, bool is_first) {
  SortAndUnify(kind_);
  if (!is_first) {
    // Keeps the cgroup that either of the two has.
    for (CgroupMember& member : kind_) {
      const auto known =
          std::ranges::lower_bound(members, member.pid, {}, &CgroupMember::pid);
      const bool in_both = known != members.end() && known->pid == member.pid;
      if (!in_both) member.pid = 0;
      if (in_both && member.cgroup.empty()) member.cgroup = known->cgroup;
    }
    std::erase_if(kind_,
                  [](const CgroupMember& member) { return member.pid == 0; });
  }
  std::swap(members, kind_);
}

void Listing::ListSelf(const procfs::Procfs& proc, std::string& problem) {
  const auto self = proc.DaemonPid();
  if (self) {
    kind_.push_back({.pid = *self});
  } else {
    Note(self.error(), problem);
  }
}

void Listing::ListPidFiles(const procfs::Procfs& proc,
                           const std::vector<std::string>& paths,
                           std::string& problem) {
  for (const std::string& path : paths) {
    if (proc.IsPassedOver(path)) {
      Note({.file = path.c_str(),
            .expected = "a file that does not make the plugin wait"},
           problem);
      continue;
    }
    const auto pid = ReadPidFile(path, buffer_);
    if (pid) {
      kind_.push_back({.pid = *pid});
    } else {
      Note(pid.error(), problem);
    }
  }
}

// Calls `list` for all, even if one fails.
void Listing::ListEach(const auto& selected, std::string& problem, auto list) {
  // Once a pass, and only if a block needs cgroups.
  if (!cgroups_begun_) {
    if (const auto begun = cgroups_.BeginPass(); !begun) {
      return Note(begun.error(), problem);
    }
    cgroups_begun_ = true;
  }
  for (const auto& one : selected) {
    if (const auto listed = list(one); !listed) Note(listed.error(), problem);
  }
}

}  // namespace resource_attribution::discovery
