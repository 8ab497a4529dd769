#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_ENVIRON_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_ENVIRON_H_

#include <optional>
#include <string_view>

namespace resource_attribution::procfs {

/// A variable of an environment.
struct Variable {
  std::string_view name{};
  std::string_view value{};
};

/// Removes the next variable from the front of `environ`, the rest of the
/// content of `/proc/PID/environ`, and returns it; none at the end. proc(5),
/// "/proc/pid/environ".
///
/// This is the environment with which the program was executed; variables that
/// the program sets later are elsewhere. A process can overwrite it with any
/// bytes: entries without `=` or without a name are skipped. If a name occurs
/// several times, getenv(3) returns the first.
std::optional<Variable> NextVariable(std::string_view& environ);

/// Whether the process has written over the environment: a title that is longer
/// than the arguments goes on there, and most programs that set a title fill
/// the rest with NULs or blanks (setproctitle, nginx, Perl's `$0`). What was
/// there is unknown then. An empty environment may have been cut off (PR_SET_MM
/// of prctl(2)) and counts as well.
bool IsOverwritten(std::string_view environ);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_ENVIRON_H_
