#include "discovery/matching.h"

#include <algorithm>

#include "procfs/proc_comm.h"
#include "procfs/proc_exe.h"

namespace resource_attribution::discovery {
namespace {

using procfs::BaseName;
using procfs::Result;

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
  if (cmdline) {
    const auto is_called = [name](std::string_view argument) {
      return BaseName(argument) == name;
    };
    // If a process executes a script, the kernel names it after the script.
    if (is_called(cmdline->argv0) ||
        std::ranges::any_of(cmdline->next, is_called)) {
      return true;
    }
  }
  // Without the right to see the executable the answer is unknown.
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

Result<bool> HasAUser(const std::vector<std::string>& names, const Users& users,
                      Candidate& candidate) {
  const auto user = candidate.EffectiveUser();
  if (!user) return tl::unexpected(user.error());
  Result<bool> is_one = false;
  for (const std::string& name : names) {
    if (*user && users.Id(name) == *user) return true;
    if (const auto failure = users.Failure(name)) {
      is_one = tl::unexpected(*failure);
    }
  }
  return is_one;
}

Result<bool> HasAnExecutable(const std::vector<std::string>& paths,
                             Candidate& candidate) {
  const auto& exe = candidate.Exe();
  if (!exe) return tl::unexpected(exe.error());
  return std::ranges::find(paths, *exe) != paths.end();
}

Result<bool> HasACommandLine(const Expressions& expressions,
                             Candidate& candidate) {
  const auto& cmdline = candidate.Cmdline();
  if (!cmdline) return tl::unexpected(cmdline.error());
  return AnyIsIn(expressions, cmdline->joined);
}

Result<bool> HasACgroup(const std::vector<CgroupPattern>& patterns,
                        Candidate& candidate) {
  const auto& path = candidate.Cgroup();
  if (!path) return tl::unexpected(path.error());
  for (const CgroupPattern& pattern : patterns) {
    const auto is_in = IsInCgroup(pattern, *path);
    if (!is_in || *is_in) return is_in;
  }
  return false;
}

Result<bool> HasAUnit(const std::vector<std::string>& units,
                      Candidate& candidate) {
  const auto& path = candidate.Cgroup();
  if (!path) return tl::unexpected(path.error());
  return std::ranges::any_of(units, [&path](const std::string& unit) {
    return IsOfUnit(unit, *path);
  });
}

}  // namespace

Result<bool> Matches(const Selectors& selectors, bool cgroups_are_listed,
                     const Users& users, Candidate& candidate) {
  Result<bool> holds = true;
  if (!selectors.names.empty()) holds = HasAName(selectors.names, candidate);
  if (holds && *holds && !selectors.users.empty()) {
    holds = HasAUser(selectors.users, users, candidate);
  }
  if (holds && *holds && !cgroups_are_listed && !selectors.cgroups.empty()) {
    holds = HasACgroup(selectors.cgroups, candidate);
  }
  if (holds && *holds && !cgroups_are_listed &&
      !selectors.systemd_units.empty()) {
    holds = HasAUnit(selectors.systemd_units, candidate);
  }
  if (holds && *holds && !selectors.executables.empty()) {
    holds = HasAnExecutable(selectors.executables, candidate);
  }
  if (holds && *holds && !selectors.command_lines.empty()) {
    holds = HasACommandLine(selectors.command_lines, candidate);
  }
  if (holds && *holds && selectors.names.empty()) {
    holds = candidate.IsKernelThread().map([](bool is) { return !is; });
  }
  return holds;
}

}  // namespace resource_attribution::discovery
