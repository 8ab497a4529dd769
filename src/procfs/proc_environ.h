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

/// Takes the next variable off the front of `environ`, the content of
/// `/proc/PID/environ` from there on; none at the end. proc(5),
/// "/proc/pid/environ".
///
/// That is the environment with which the program was executed: what it sets
/// later is elsewhere. Any bytes may stand there, because a process can
/// overwrite them; what has no `=` or no name is passed over. Of several
/// variables of one name getenv(3) knows the first.
std::optional<Variable> NextVariable(std::string_view& environ);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_ENVIRON_H_
