#include "discovery/discovery.h"

#include <algorithm>
#include <utility>

#include "discovery/matching.h"
#include "procfs/capabilities.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Error;
using procfs::Result;

// After so long everything is scanned: each hour where a block asks for what
// changes without an event, and else in case that the kernel had no memory for
// an event, which it does not tell.
constexpr std::chrono::hours kSilentPeriod{1};
constexpr std::chrono::hours kPeriod{6};
constexpr std::chrono::minutes kRecent{1};

// Named where events may be missing, where a parent could not be read, whose
// descendants no event names, and in the first pass: whoever started just
// before it. It sorts before every PID.
constexpr pid_t kEverybody = 0;

// `matches` are sorted. Null when `pid` does not belong to `block`.
const Match* FindMatch(std::span<const Match> matches, pid_t pid,
                       size_t block) {
  const auto found = std::lower_bound(
      matches.begin(), matches.end(), std::pair(pid, block),
      [](const Match& match, const std::pair<pid_t, size_t>& key) {
        return std::pair(match.pid, match.block) < key;
      });
  const bool is_there =
      found != matches.end() && found->pid == pid && found->block == block;
  return is_there ? &*found : nullptr;
}

void SortAndUnify(std::vector<pid_t>& pids) {
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
}

}  // namespace

Discovery::Discovery(const std::vector<Target>& targets, std::string mounts)
    : listing_(std::move(mounts)) {
  for (const Target& target : targets) {
    const size_t index = blocks_.size();
    const Selectors& selectors = *target.selectors;
    if (selectors.include_children) family_blocks_.push_back(index);
    for (const std::string& user : selectors.users) users_.Add(user);
    Block block{.selectors = &selectors,
                .name = NameTemplate(target.name),
                .max_instances = target.max_instances};
    needs_hourly_scan_ = needs_hourly_scan_ || selectors.AskForCommandLine() ||
                         block.name.NeedsCgroup();
    if (!block.name.HasPlaceholders()) {
      block.instance = instances_.AddLasting(target.name, index);
    }
    blocks_.push_back(std::move(block));
  }
  ChooseCandidates();
}

void Discovery::SearchCgroups() {
  lists_cgroups_ = false;
  ChooseCandidates();
}

// Decides for each block whether a list gives its candidates.
void Discovery::ChooseCandidates() {
  listing_blocks_.clear();
  searching_blocks_.clear();
  for (size_t index = 0; index < blocks_.size(); ++index) {
    Block& block = blocks_[index];
    block.is_listed = block.selectors->HaveOwnList() ||
                      (lists_cgroups_ && block.selectors->HaveCgroups());
    (block.is_listed ? listing_blocks_ : searching_blocks_).push_back(index);
  }
}

Result<void> Discovery::Find(const procfs::Procfs& proc,
                             std::chrono::steady_clock::time_point now,
                             procfs::ProcessTable& table) {
  Pass pass{proc, table, HasToLookAtEverything(now)};
  listing_.BeginPass();
  if (auto matched = MatchAll(pass); !matched) return matched;
  if (!pass.everything && MissesDescendants(pass)) {
    pass.everything = true;
    if (auto matched = MatchAll(pass); !matched) return matched;
  }
  if (auto added = AddDescendants(pass); !added) return added;
  EndPass(table);
  if (pass.everything) all_looked_at_ = now;
  return {};
}

// Takes who may have changed into named_.
bool Discovery::HasToLookAtEverything(TimePoint now) {
  // Until the pass is over: what it took in may be lost.
  const bool was_up_to_date = std::exchange(up_to_date_, false);
  const bool users_changed = users_.Refresh(now);
  drained_.clear();
  const bool complete = events_ && events_->Drain(drained_);
  if (!complete || !all_looked_at_) drained_.push_back(kEverybody);
  NameWhoMayHaveChanged(now);
  return (!named_.empty() && named_.front() == kEverybody) || !was_up_to_date ||
         users_changed ||
         now - *all_looked_at_ >=
             (needs_hourly_scan_ ? kSilentPeriod : kPeriod);
}

// Those that an event names now, and those that one has named lately.
void Discovery::NameWhoMayHaveChanged(TimePoint now) {
  std::swap(named_, again_);
  again_.clear();
  named_.insert(named_.end(), drained_.begin(), drained_.end());
  if (needs_hourly_scan_ && events_) {
    SortAndUnify(drained_);
    SortAndUnify(gone_);
    for (Recent& one : recent_) {
      if (one.look_due > now) continue;
      named_.push_back(one.pid);
      one.look_due = now + (now - one.named);
    }
    std::erase_if(recent_, [&](const Recent& one) {
      return one.look_due - one.named > 2 * kRecent ||
             std::binary_search(gone_.begin(), gone_.end(), one.pid) ||
             std::binary_search(drained_.begin(), drained_.end(), one.pid);
    });
    for (const pid_t pid : drained_) recent_.push_back({pid, now, now});
  }
  gone_.clear();
  SortAndUnify(named_);
}

// Fills next_matches_ with the processes that match by themselves, sorted.
Result<void> Discovery::MatchAll(Pass& pass) {
  next_matches_.clear();
  children_.clear();
  if (pass.everything) refused_one_ = false;
  for (Block& block : blocks_) {
    block.listing_problem.clear();
    if (!pass.everything) continue;
    block.problem.clear();
    block.refused = 0;
  }
  if (!pass.everything) KeepMatches(pass);
  if (auto matched = MatchListed(pass); !matched) return matched;
  if (auto matched = Search(pass); !matched) return matched;
  std::sort(next_matches_.begin(), next_matches_.end());
  next_matches_.erase(std::unique(next_matches_.begin(), next_matches_.end()),
                      next_matches_.end());
  return {};
}

// Those of the last pass with blocks that search, where no event names the
// process.
void Discovery::KeepMatches(Pass& pass) {
  for (const Match& match : matches_) {
    if (!match.inherited && !blocks_[match.block].is_listed &&
        !std::binary_search(named_.begin(), named_.end(), match.pid) &&
        pass.table.Find(match.pid) != nullptr) {
      next_matches_.push_back(match);
    }
  }
}

Result<void> Discovery::MatchListed(Pass& pass) {
  for (const size_t& index : listing_blocks_) {
    Block& block = blocks_[index];
    auto listed = listing_.List(pass.proc, *block.selectors, lists_cgroups_,
                                members_, block.listing_problem);
    if (!listed) return listed;
    for (const CgroupMember& member : members_) {
      // A name with placeholders may depend on the cgroup.
      const Match* before = FindMatch(matches_, member.pid, index);
      if (!pass.everything && block.instance && before != nullptr &&
          !before->inherited && pass.table.Find(member.pid) != nullptr &&
          !std::binary_search(named_.begin(), named_.end(), member.pid)) {
        next_matches_.push_back(*before);
        continue;
      }
      auto look = LookAt(pass, member.pid, {&index, 1}, member.cgroup);
      if (!look) return look;
    }
  }
  return {};
}

Result<void> Discovery::Search(Pass& pass) {
  if (!Searches()) return {};
  if (pass.everything) {
    if (auto list = pass.proc.ListProcesses(pids_); !list) return list;
  }
  for (const pid_t pid : pass.everything ? pids_ : named_) {
    if (auto look = LookAt(pass, pid, searching_blocks_, {}); !look) {
      return look;
    }
  }
  return {};
}

// Adds the matches of the process `pid` with the blocks whose indices are
// given.
Result<void> Discovery::LookAt(Pass& pass, pid_t pid,
                               std::span<const size_t> blocks,
                               std::string_view cgroup) {
  const auto watched = ReadWatched(pass, pid);
  if (!watched) return tl::unexpected(watched.error());

  const auto glanced_at = pass.proc.GlanceAt(pid);
  Candidate glance(glanced_at, buffers_, *watched);
  if (!cgroup.empty()) glance.SetCgroup(cgroup);
  if (!family_blocks_.empty()) {
    const auto parent = glance.Parent();
    if (parent) {
      children_.push_back({*parent, pid});
    } else if (auto noted =
                   NoteOrFail(parent.error(), pid, family_blocks_, kEverybody);
               !noted) {
      return noted;
    }
  }
  if (auto evaluated = Evaluate(glance, blocks); !evaluated) return evaluated;
  if (matching_.empty()) return {};
  if (*watched != nullptr) return AddMatches(glance);

  // What was glanced at may have been of somebody who had the PID before.
  const auto process = pass.proc.OpenProcess(pid);
  if (!process) return NoteOrFail(process.error(), pid, matching_);
  Candidate candidate(*process, buffers_);
  if (!cgroup.empty()) candidate.SetCgroup(cgroup);
  if (auto evaluated = Evaluate(candidate, blocks); !evaluated) {
    return evaluated;
  }
  if (matching_.empty()) return {};
  const bool is_in_file =
      !blocks_[matching_.front()].selectors->pid_files.empty();
  const auto watches = Watch(pass, *process, pid, is_in_file);
  if (!watches) return tl::unexpected(watches.error());
  return *watches ? AddMatches(candidate) : Result<void>();
}

// The process when it is watched and can be read, or else null: then it is
// looked at as one that is not watched, and has no match any more.
Result<procfs::WatchedProcess*> Discovery::ReadWatched(Pass& pass, pid_t pid) {
  procfs::WatchedProcess* watched = pass.table.Find(pid);
  if (watched == nullptr) return nullptr;
  const auto read = pass.table.Read(*watched);
  if (read) return watched;
  if (read.error().OutOfResources()) return tl::unexpected(read.error());
  // Matches that were kept are of no use without it.
  for (const Match& match : matches_) {
    if (match.pid != pid) continue;
    if (auto noted = NoteOrFail(read.error(), pid, {&match.block, 1}); !noted) {
      return tl::unexpected(noted.error());
    }
  }
  pass.table.Forget(pid);
  std::erase_if(next_matches_,
                [pid](const Match& match) { return match.pid == pid; });
  return nullptr;
}

// Fills matching_ with those of `blocks` that the candidate matches.
Result<void> Discovery::Evaluate(Candidate& candidate,
                                 std::span<const size_t> blocks) {
  matching_.clear();
  for (const size_t& index : blocks) {
    const auto match =
        Matches(*blocks_[index].selectors, lists_cgroups_, users_, candidate);
    if (match && *match) matching_.push_back(index);
    if (match) continue;
    if (match.error().Gone()) gone_.push_back(candidate.pid());
    if (auto noted = NoteOrFail(match.error(), candidate.pid(), {&index, 1});
        !noted) {
      return noted;
    }
  }
  return {};
}

// Begins to watch a process that matches, because its PID is in a PID file or
// otherwise. False when it turns out to be none, or cannot be read.
Result<bool> Discovery::Watch(Pass& pass, const procfs::Process& process,
                              pid_t again, bool is_in_file) {
  const auto watched = pass.table.Watch(process);
  if (!watched) {
    return NoteOrFail(watched.error(), process.pid(), matching_, again).map([] {
      return false;
    });
  }
  // A thread's directory can be opened, too, although it is not listed.
  if ((*watched)->status.thread_group == process.pid()) return true;
  pass.table.Forget(process.pid());
  // It may have the PID of a process that an event named and that has ended.
  if (!is_in_file) {
    gone_.push_back(process.pid());
    return false;
  }
  const Error error{.file = "PID file", .expected = "a process, not a thread"};
  return NoteOrFail(error, process.pid(), matching_, again).map([] {
    return false;
  });
}

// Adds the candidate's matches with the blocks in matching_.
Result<void> Discovery::AddMatches(Candidate& candidate) {
  for (const size_t& index : matching_) {
    Block& block = blocks_[index];
    if (block.instance) {
      next_matches_.push_back({candidate.pid(), index, *block.instance});
      continue;
    }
    const auto named =
        block.name.Expand(*block.selectors, users_, candidate, name_);
    if (!named) {
      auto noted = NoteOrFail(named.error(), candidate.pid(), {&index, 1});
      if (!noted) return noted;
      continue;
    }
    const auto made = instances_.Make(name_, index, block.max_instances);
    refused_one_ = refused_one_ || made.refusal;
    if (!made.refusal) {
      next_matches_.push_back({candidate.pid(), index, made.index});
    } else if (*made.refusal == Instances::Refusal::kTooMany) {
      ++block.refused;
    } else if (block.problem.empty()) {
      block.problem_process = candidate.pid();
      block.problem = "the name of another block came out of `" +
                      block.name.text() + "`: expected names that differ";
    }
  }
  return {};
}

Result<void> Discovery::NoteOrFail(const Error& error, pid_t pid,
                                   std::span<const size_t> blocks) {
  return NoteOrFail(error, pid, blocks, pid);
}

// The process `pid`, which cannot be read, is left out of the blocks whose
// indices are given. `again` is looked at in the next pass, unless that would
// be denied again. Fails where the daemon is out of descriptors or memory: then
// nothing is known of any process.
Result<void> Discovery::NoteOrFail(const Error& error, pid_t pid,
                                   std::span<const size_t> blocks,
                                   pid_t again) {
  if (error.OutOfResources()) return tl::unexpected(error);
  if (error.Gone()) return {};
  if (!error.Denied()) again_.push_back(again);
  for (const size_t index : blocks) {
    Block& block = blocks_[index];
    if (!block.problem.empty()) continue;
    block.problem = error.Message();
    block.problem_process = pid;
    if (error.Denied()) {
      block.problem += " (" + procfs::WhyRefused({procfs::kSysPtrace}) + ")";
    }
  }
  return {};
}

// Whether a process begins to match that may have descendants already, whom no
// event names. One whose parent belongs to the block, too, was forked since.
bool Discovery::MissesDescendants(Pass& pass) const {
  const auto belongs = [this](pid_t pid, size_t block) {
    return FindMatch(matches_, pid, block) != nullptr;
  };
  return std::any_of(next_matches_.begin(), next_matches_.end(),
                     [&](const Match& match) {
                       if (!blocks_[match.block].selectors->include_children ||
                           belongs(match.pid, match.block)) {
                         return false;
                       }
                       const auto* process = pass.table.Find(match.pid);
                       return process == nullptr ||
                              !belongs(process->stat.parent, match.block);
                     });
}

// Adds to next_matches_ the descendants of those that match by themselves.
Result<void> Discovery::AddDescendants(Pass& pass) {
  if (family_blocks_.empty()) return {};
  for (auto& [pid, process] : pass.table.processes()) {
    // Who the parent is changes when it ends. Where that cannot be read it is
    // who it was: of a process that is no longer watched no event tells.
    const auto read = pass.table.Read(process);
    if (!read && read.error().OutOfResources()) return read;
    if (read || !read.error().Gone()) {
      children_.push_back({process.stat.parent, pid});
    }
  }
  std::sort(children_.begin(), children_.end(),
            [](const Child& one, const Child& other) {
              return std::pair(one.pid, one.parent) <
                     std::pair(other.pid, other.parent);
            });
  // With one parent each they make a forest.
  children_.erase(std::unique(children_.begin(), children_.end(),
                              [](const Child& one, const Child& other) {
                                return one.pid == other.pid;
                              }),
                  children_.end());
  std::sort(children_.begin(), children_.end(),
            [](const Child& one, const Child& other) {
              return std::pair(one.parent, one.pid) <
                     std::pair(other.parent, other.pid);
            });

  const size_t own = next_matches_.size();
  for (size_t next = 0; next < next_matches_.size(); ++next) {
    const Match ancestor = next_matches_[next];
    if (!blocks_[ancestor.block].selectors->include_children) continue;
    const auto children = std::equal_range(
        children_.begin(), children_.end(), Child{.parent = ancestor.pid},
        [](const Child& one, const Child& other) {
          return one.parent < other.parent;
        });
    for (auto child = children.first; child != children.second; ++child) {
      const std::span own_matches(next_matches_.data(), own);
      if (FindMatch(own_matches, child->pid, ancestor.block) != nullptr) {
        continue;
      }
      const auto watches = WatchChild(pass, *child, ancestor.block);
      if (!watches) return tl::unexpected(watches.error());
      if (!*watches) continue;
      next_matches_.push_back(
          {child->pid, ancestor.block, ancestor.instance, true});
    }
  }
  return {};
}

// False when the process is no longer there, or has another parent.
Result<bool> Discovery::WatchChild(Pass& pass, const Child& child,
                                   const size_t& block) {
  if (pass.table.Find(child.pid) != nullptr) return true;
  const auto process = pass.proc.OpenProcess(child.pid);
  matching_.assign(1, block);
  if (!process) {
    return NoteOrFail(process.error(), child.pid, matching_, kEverybody)
        .map([] { return false; });
  }
  const auto watches = Watch(pass, *process, kEverybody, /*is_in_file=*/false);
  if (!watches || !*watches) return watches;
  return pass.table.Find(child.pid)->stat.parent == child.parent;
}

void Discovery::EndPass(procfs::ProcessTable& table) {
  std::sort(next_matches_.begin(), next_matches_.end());
  std::swap(matches_, next_matches_);

  auto match = matches_.begin();
  table.ForgetIf([&](const procfs::WatchedProcess& process) {
    while (match != matches_.end() && match->pid < process.id.pid) ++match;
    return match == matches_.end() || match->pid != process.id.pid;
  });

  used_.assign(instances_.size(), false);
  for (const Match& one : matches_) used_[one.instance] = true;
  const bool forgot_one = instances_.EndPass(used_);
  // There is room now for who was refused, of whom no event will tell.
  up_to_date_ = !(forgot_one && refused_one_);
}

}  // namespace resource_attribution::discovery
