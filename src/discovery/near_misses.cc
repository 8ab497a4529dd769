#include "discovery/near_misses.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "discovery/candidate.h"
#include "discovery/matching.h"
#include "discovery/pid_file.h"
#include "discovery/selector_hints.h"
#include "discovery/selector_warnings.h"
#include "discovery/users.h"
#include "procfs/printable.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Procfs;
using procfs::Quoted;
using procfs::Result;

constexpr size_t kHintsMax = 5;

// What all blocks share.
struct Host {
  const Procfs& proc;
  Users users{};
  std::vector<std::string> mount_points{};  // of cgroup hierarchies
};

// One kind of selector that a block has.
struct Kind {
  const char* option;
  std::string values{};  // for people
  // The value of this kind that a process has; empty function if only its PID
  // can be shown.
  std::function<std::string(Candidate&, const Subject&)> of{};
  Hints hints{};
  std::function<bool(Candidate&, const Subject&)> matches{};
  size_t processes = 0;  // how many match
  // The values of processes that match every other kind.
  Tally all_others_match{};

  std::string Text() const { return option + (" " + values); }
};

std::string TextOf(const std::string& value) { return value; }

std::string TextOf(const Expressions::value_type& value) {
  return value->pattern();
}

// The pattern as the administrator wrote it. The leading slash does not count
// for matching; it is shown only for a pattern that begins with the mount
// point.
std::string TextOf(const CgroupPattern& pattern) {
  return (WithoutMountPoint(pattern) ? "/" : "") + CgroupPath(pattern);
}

std::string Either(const auto& values) {
  std::string text;
  for (const auto& value : values) {
    text += (text.empty() ? "" : " or ") + Quoted(TextOf(value));
  }
  return text;
}

void Copy(const auto& values, auto& to) { to = values; }

void Copy(const Expressions& expressions, Expressions& to) {
  for (const auto& one : expressions) {
    to.push_back(CompileExpression(one->pattern()));
  }
}

// Adds a kind of selector that a candidate answers, if the block has it.
template <typename Values>
void AddKind(const Selectors& selectors, Values Selectors::*field,
             const Users& users, Kind kind, std::vector<Kind>& kinds) {
  const Values& values = selectors.*field;
  if (values.empty()) return;
  const auto alone = std::make_shared<Selectors>();
  Copy(values, alone.get()->*field);
  kind.values = Either(values);
  kind.matches = [alone, &users](Candidate& candidate, const Subject& /*one*/) {
    return Matches(*alone, /*cgroups_are_listed=*/false, users, candidate)
        .value_or(false);
  };
  kinds.push_back(std::move(kind));
}

void AddPidFiles(const Selectors& selectors, const Host& host,
                 std::vector<Kind>& kinds) {
  if (selectors.pid_files.empty()) return;
  std::vector<pid_t> pids;
  procfs::Buffer buffer;
  for (const std::string& path : selectors.pid_files) {
    if (const auto pid = ReadPidFile(path, buffer)) pids.push_back(*pid);
  }
  const auto is_named = [pids](Candidate&, const Subject& one) {
    return std::ranges::find(pids, one.pid) != pids.end();
  };
  kinds.push_back({.option = "PIDFile",
                   .values = Either(selectors.pid_files),
                   .hints = HintsOfPidFiles(selectors.pid_files, host.proc),
                   .matches = is_named});
}

void AddSelf(const Selectors& selectors, const Host& host,
             std::vector<Kind>& kinds) {
  if (!selectors.self) return;
  const auto is_self = [self = host.proc.DaemonPid().value_or(0)](
                           Candidate&, const Subject& one) {
    return one.pid == self;
  };
  kinds.push_back({.option = "Self", .values = "true", .matches = is_self});
}

std::vector<Kind> KindsOf(const Selectors& selectors, Host& host) {
  std::vector<Kind> kinds;
  const auto add = [&](auto field, Kind kind) {
    AddKind(selectors, field, host.users, std::move(kind), kinds);
  };
  add(&Selectors::names,
      {.option = "Name",
       .of = [](Candidate&,
                const Subject& one) { return std::string(one.comm); },
       .hints = HintsOfNames(selectors.names)});
  add(&Selectors::executables,
      {.option = "Executable",
       .of =
           [](Candidate&, const Subject& one) {
             return std::string(one.exe_refused ? "(may not be read)"
                                                : one.exe);
           },
       .hints = HintsOfExecutables(selectors.executables)});
  add(&Selectors::command_lines,
      {.option = "CommandLine",
       .hints = HintsOfExpressions(selectors.command_lines)});
  add(&Selectors::users, {.option = "User",
                          .of =
                              [&host](Candidate& candidate, const Subject&) {
                                const auto id = candidate.EffectiveUser();
                                return id && *id ? host.users.Name(**id)
                                                 : std::string();
                              },
                          .hints = HintsOfUsers(selectors.users, host.users)});
  AddPidFiles(selectors, host, kinds);
  add(&Selectors::cgroups,
      {.option = "Cgroup",
       .of = [](Candidate&,
                const Subject& one) { return std::string(one.cgroup); },
       .hints = HintsOfCgroups(selectors.cgroups, host.mount_points)});
  add(&Selectors::systemd_units,
      {.option = "SystemdUnit",
       .of =
           [](Candidate&, const Subject& one) {
             return std::string(SystemdUnitOf(one.cgroup));
           },
       .hints = HintsOfUnits(selectors.systemd_units)});
  AddSelf(selectors, host, kinds);
  return kinds;
}

// What the processes show about one block.
class Block {
 public:
  Block(const Selectors& selectors, Host& host)
      : takes_kernel_threads_(!selectors.names.empty()),
        kinds_(KindsOf(selectors, host)) {}

  void Look(Candidate& candidate, const Subject& one) {
    if (one.kernel_thread && !takes_kernel_threads_) return;
    std::vector<Kind*> failed;
    for (Kind& kind : kinds_) {
      if (!kind.matches(candidate, one)) failed.push_back(&kind);
    }
    if (one.ended) {
      ended_ += failed.empty() ? 1 : 0;
      return;
    }
    looked_at_ += one.kernel_thread ? 0 : 1;
    matched_ += failed.empty() ? 1 : 0;
    for (Kind& kind : kinds_) {
      ++kind.processes;
      for (const auto& hint : kind.hints) hint->Look(one);
    }
    for (Kind* kind : failed) --kind->processes;
    if (failed.size() == 1 && kinds_.size() > 1) {
      Kind& kind = *failed[0];
      kind.all_others_match.Add(kind.of ? kind.of(candidate, one)
                                        : std::to_string(one.pid));
    }
  }

  std::vector<std::string> Say() const {
    if (matched_ > 0) {
      return {ProcessesThat("match", matched_) +
              " now, but did not in the pass"};
    }
    std::vector<std::string> lines;
    SayCounts(lines);
    if (ended_ > 0) {
      lines.push_back(ProcessesThat("match", ended_) +
                      " but ended: a zombie counts as gone");
    }
    for (const Kind& kind : kinds_) {
      if (kind.processes > 0) continue;
      for (const auto& hint : kind.hints) hint->Say(lines);
    }
    for (const Kind& kind : kinds_) {
      const size_t processes = kind.all_others_match.total();
      if (processes == 0) continue;
      std::string which =
          ", such as PID " + kind.all_others_match.Most(1)[0].value;
      if (kind.of) {
        which = std::string(processes == 1 ? "; its " : "; their ") +
                kind.option + " is " + kind.all_others_match.Describe();
      }
      lines.push_back(ProcessesThat("match", processes) + " all but " +
                      kind.option + which);
    }
    if (lines.size() > 1 + kHintsMax) lines.resize(1 + kHintsMax);
    return lines;
  }

 private:
  void SayCounts(std::vector<std::string>& lines) const {
    if (kinds_.size() == 1) {
      lines.push_back("none of " + Processes(looked_at_) + " matches " +
                      kinds_[0].Text());
      return;
    }
    std::string counts;
    bool each = true;
    for (const Kind& kind : kinds_) {
      counts += (counts.empty() ? "" : ", ") + kind.Text() + " " +
                std::to_string(kind.processes);
      each = each && kind.processes > 0;
    }
    lines.push_back((each ? "each selector matches some process, but none of "
                          : "none of ") +
                    Processes(looked_at_) + " matches all: " + counts);
  }

  const bool takes_kernel_threads_;
  std::vector<Kind> kinds_;
  size_t looked_at_ = 0;
  size_t matched_ = 0;
  size_t ended_ = 0;
};

void LookAt(const Procfs& proc, pid_t pid, Candidate::Buffers& buffers,
            std::vector<Block>& blocks) {
  const auto process = proc.OpenProcess(pid);
  if (!process) return;
  procfs::Buffer stat_buffer;
  const auto stat = process->ReadStat(stat_buffer);
  if (!stat) return;
  Candidate candidate(*process, buffers);
  Subject one{.pid = pid,
              .ended = stat->Ended(),
              .kernel_thread = stat->KernelThread()};
  if (const auto& comm = candidate.Comm()) one.comm = *comm;
  if (const auto& cmdline = candidate.Cmdline()) {
    one.cmdline = cmdline->joined;
    one.arguments = {LastComponent(cmdline->argv0),
                     LastComponent(cmdline->next[0]),
                     LastComponent(cmdline->next[1])};
  }
  if (const auto& cgroup = candidate.Cgroup()) one.cgroup = *cgroup;
  const auto& exe = candidate.Exe();
  if (exe) one.exe = *exe;
  one.exe_refused = !exe && exe.error().Denied();
  for (Block& block : blocks) block.Look(candidate, one);
}

}  // namespace

Result<std::vector<std::vector<std::string>>> ExplainNearMisses(
    const Procfs& proc, const std::string& mounts,
    std::span<const Selectors* const> selectors) {
  Host host{.proc = proc};
  if (const auto hierarchies = CgroupMounts(mounts)) {
    for (const CgroupMount& one : *hierarchies) {
      host.mount_points.push_back(one.directory);
    }
  }
  for (const Selectors* one : selectors) {
    for (const std::string& user : one->users) host.users.Add(user);
  }
  host.users.Refresh(std::chrono::steady_clock::now());
  std::vector<Block> blocks;
  for (const Selectors* one : selectors) blocks.emplace_back(*one, host);

  Candidate::Buffers buffers;
  const auto listed = proc.ForEachProcess(
      [&](pid_t pid) { LookAt(proc, pid, buffers, blocks); });
  if (!listed) return tl::unexpected(listed.error());

  std::vector<std::vector<std::string>> explanations;
  explanations.reserve(blocks.size());
  for (const Block& block : blocks) explanations.push_back(block.Say());
  return explanations;
}

}  // namespace resource_attribution::discovery
