#include "discovery/discovery.h"

#include <algorithm>

#include "discovery/pid_file.h"
#include "procfs/proc_comm.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Error;
using procfs::Result;

bool Contains(const auto& values, const auto& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// Whether the process, whose command name is `comm`, is called `name`.
Result<bool> IsNamed(std::string_view name, std::string_view comm,
                     Candidate& candidate) {
  if (comm == name) return true;
  if (name.size() <= procfs::kCommMax ||
      comm != name.substr(0, procfs::kCommMax)) {
    return false;
  }
  const auto& exe = candidate.Exe();
  if (exe && BaseName(*exe) == name) return true;
  const auto& cmdline = candidate.Cmdline();
  if (cmdline && BaseName(cmdline->argv0) == name) return true;
  // Whoever may not see the executable cannot tell.
  if (!exe) return tl::unexpected(exe.error());
  if (!cmdline) return tl::unexpected(cmdline.error());
  return false;
}

Result<bool> HasAName(const std::vector<std::string>& names,
                      Candidate& candidate) {
  const auto& comm = candidate.Comm();
  if (!comm) return tl::unexpected(comm.error());
  Result<bool> has_one = false;
  for (const std::string& name : names) {
    const auto named = IsNamed(name, *comm, candidate);
    if (named && *named) return true;
    if (!named) has_one = named;
  }
  return has_one;
}

}  // namespace

void Discovery::Block::Note(const Error& error, const char* remedy) {
  if (!error.Gone() && problem.empty()) problem = error.Message() + remedy;
}

Discovery::Discovery(const std::vector<const Selectors*>& blocks) {
  for (const Selectors* selectors : blocks) {
    if (!selectors->NamePids()) scanning_blocks_.push_back(blocks_.size());
    for (const std::string& user : selectors->users) user_ids_.Add(user);
    blocks_.push_back({.selectors = selectors});
  }
}

Result<void> Discovery::Find(const procfs::Procfs& proc,
                             std::chrono::steady_clock::time_point now,
                             std::vector<Match>& matches) {
  matches.clear();
  user_ids_.Refresh(now);
  for (Block& block : blocks_) block.problem.clear();

  for (size_t index = 0; index < blocks_.size(); ++index) {
    Block& block = blocks_[index];
    if (!block.selectors->NamePids()) continue;
    if (auto read = ReadPids(proc, block); !read) return read;
    for (const pid_t pid : block.pids) {
      if (auto look = LookAt(proc, pid, {&index, 1}, matches); !look) {
        return look;
      }
    }
  }

  if (!scanning_blocks_.empty()) {
    if (auto list = proc.ListProcesses(pids_); !list) return list;
    for (const pid_t pid : pids_) {
      if (auto look = LookAt(proc, pid, scanning_blocks_, matches); !look) {
        return look;
      }
    }
  }

  std::sort(matches.begin(), matches.end());
  matches.erase(std::unique(matches.begin(), matches.end()), matches.end());
  return {};
}

// Fills the block's candidates: the daemon, or else what its PID files say.
Result<void> Discovery::ReadPids(const procfs::Procfs& proc, Block& block) {
  block.pids.clear();
  for (const std::string& path : block.selectors->pid_files) {
    if (const auto pid = ReadPidFile(path)) {
      block.pids.push_back(*pid);
    } else if (pid.error().OutOfResources()) {
      return tl::unexpected(pid.error());
    } else {
      block.Note(pid.error(), "");
    }
  }
  if (!block.selectors->self) return {};

  const auto self = proc.Self();
  if (!self) block.problem = self.error().Message();
  const bool matches_files = self && (block.selectors->pid_files.empty() ||
                                      Contains(block.pids, *self));
  block.pids.clear();
  if (matches_files) block.pids.push_back(*self);
  return {};
}

// Adds the matches of the process `pid` with the blocks whose indices are
// given.
Result<void> Discovery::LookAt(const procfs::Procfs& proc, pid_t pid,
                               std::span<const size_t> blocks,
                               std::vector<Match>& matches) {
  const auto process = proc.OpenProcess(pid);
  if (!process) return NoteOrFail(process.error(), blocks);

  Candidate candidate(*process, buffers_);
  matching_.clear();
  for (const size_t index : blocks) {
    const auto match = Matches(blocks_[index], candidate);
    if (match && *match) matching_.push_back(index);
    if (match) continue;
    if (auto noted = NoteOrFail(match.error(), {&index, 1}); !noted) {
      return noted;
    }
  }
  if (matching_.empty()) return {};

  const auto stat = process->ReadStat(stat_);
  if (!stat) return NoteOrFail(stat.error(), matching_);
  if (stat->Ended()) return {};
  for (const size_t index : matching_) {
    matches.push_back({{pid, stat->start_time}, index});
  }
  return {};
}

// A process that cannot be read is left out of the blocks whose indices are
// given; without descriptors or memory nothing can be told of any.
Result<void> Discovery::NoteOrFail(const Error& error,
                                   std::span<const size_t> blocks) {
  if (error.OutOfResources()) return tl::unexpected(error);
  const char* remedy = error.Denied() ? " (needs root or CAP_SYS_PTRACE)" : "";
  for (const size_t index : blocks) blocks_[index].Note(error, remedy);
  return {};
}

// Whether every kind of selector that the block has holds for the candidate;
// the cheapest to read are asked first.
Result<bool> Discovery::Matches(const Block& block,
                                Candidate& candidate) const {
  const Selectors& selectors = *block.selectors;
  if (selectors.NamePids()) {
    // The number may be that of a thread: such a directory can be opened, too.
    const auto& status = candidate.Status();
    if (!status) return tl::unexpected(status.error());
    if (status->thread_group != candidate.pid()) {
      return tl::unexpected(
          Error{.file = "PID file", .expected = "a process, not a thread"});
    }
  }
  if (!selectors.names.empty()) {
    const auto named = HasAName(selectors.names, candidate);
    if (!named || !*named) return named;
  }
  if (!selectors.users.empty()) {
    const auto& status = candidate.Status();
    if (!status) return tl::unexpected(status.error());
    const auto is_user = [&](const std::string& user) {
      return status->effective_user &&
             user_ids_.Get(user) == status->effective_user;
    };
    if (std::none_of(selectors.users.begin(), selectors.users.end(), is_user)) {
      return false;
    }
  }
  if (!selectors.executables.empty()) {
    const auto& exe = candidate.Exe();
    if (!exe) return tl::unexpected(exe.error());
    if (!Contains(selectors.executables, *exe)) return false;
  }
  if (!selectors.command_lines.empty()) {
    const auto& cmdline = candidate.Cmdline();
    if (!cmdline) return tl::unexpected(cmdline.error());
    return std::any_of(selectors.command_lines.begin(),
                       selectors.command_lines.end(), [&](const auto& one) {
                         return RE2::PartialMatch(cmdline->joined, *one);
                       });
  }
  return true;
}

}  // namespace resource_attribution::discovery
