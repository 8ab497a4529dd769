#ifndef RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_
#define RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_

#include <string>
#include <tl/expected.hpp>

namespace resource_attribution::procfs {

/// Why a file gave no value: a system call failed, or the content is not what
/// proc(5) promises.
///
/// Made without allocating, because a process that ends while it is being read
/// is everyday life. The caller decides what a failure means; nothing down here
/// logs.
struct Error {
  /// The file, as errors call it ("/proc/PID/stat", "/run/x.pid"); refers to
  /// a string that outlives the error.
  const char* file = "";

  /// errno of the system call that failed; 0 when the content is at fault.
  int system_error = 0;

  /// What should stand in the file, when the content is at fault.
  const char* expected = nullptr;

  /// The process ended: ENOENT on opening, ESRCH on reading.
  bool Gone() const;

  /// We may not see this: EACCES or EPERM.
  bool Denied() const;

  /// The daemon is out of descriptors or memory, so that nothing can be
  /// concluded about the process: EMFILE, ENFILE, ENOMEM.
  bool OutOfResources() const;

  /// For people: `FILE: reason`.
  std::string Message() const;
};

/// A value or the reason why there is none. Becomes std::expected with C++23.
template <typename T>
using Result = tl::expected<T, Error>;

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_
