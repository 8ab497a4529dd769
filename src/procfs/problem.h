#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROBLEM_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROBLEM_H_

#include <sys/types.h>

#include <string>

namespace resource_attribution::procfs {

/// Why values may be missing or incomplete.
struct Problem {
  /// For people; empty if there is no problem. Holds no PID, so that a lasting
  /// problem reads the same in every pass.
  std::string text{};

  pid_t process = 0;  ///< has the problem; 0: no process or an unknown one
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROBLEM_H_
