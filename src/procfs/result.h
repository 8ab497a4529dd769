#ifndef RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_
#define RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_

#include <string>
#include <tl/expected.hpp>

namespace resource_attribution::procfs {

/// Why a file gave no value: a system call failed, or the content is not as in
/// proc(5).
///
/// Making an error allocates nothing, because it is normal that a process ends
/// while it is being read. The caller decides what a failure means; nothing at
/// this level logs.
struct Error {
  /// The name of the file in errors ("/proc/PID/stat", "/run/x.pid"); refers to
  /// a string that outlives the error.
  const char* file = "";

  /// errno of the system call that failed; 0 if the content is wrong.
  int system_error = 0;

  /// What the file should have, if the content is wrong.
  const char* expected = nullptr;

  /// The process ended: ENOENT on opening, ESRCH on reading.
  bool Gone() const;

  /// We may not see this: EACCES or EPERM.
  bool Denied() const;

  /// The daemon is out of descriptors or memory: EMFILE, ENFILE, ENOMEM. The
  /// state of the process is unknown.
  bool OutOfResources() const;

  /// For people: `FILE: reason`.
  std::string Message() const;
};

/// A value or the reason why there is none. Becomes std::expected with C++23.
template <typename T>
using Result = tl::expected<T, Error>;

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_
