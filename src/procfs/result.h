#ifndef RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_
#define RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_

#include <cerrno>
#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

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

  /// The reader is out of descriptors or memory: EMFILE, ENFILE, ENOMEM. The
  /// state of the process is unknown.
  bool OutOfResources() const;

  /// For people: `FILE: reason`.
  std::string Message() const;
};

/// The failure of a system call on `file`.
inline tl::unexpected<Error> Failed(const char* file,
                                    int system_error = errno) {
  return tl::unexpected(Error{.file = file, .system_error = system_error});
}

/// The content of `file` is not what was `expected`.
inline tl::unexpected<Error> Invalid(const char* file, const char* expected) {
  return tl::unexpected(Error{.file = file, .expected = expected});
}

/// A value or the reason why there is none, which the caller must not drop.
/// Becomes std::expected with C++23.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;

  // What map() and and_then() return.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(tl::expected<T, Error> other)
      : tl::expected<T, Error>(std::move(other)) {}

  // The base's insists on returning its own class.
  template <typename Then>
  auto and_then(Then then) const {
    const auto call = [&] {
      if constexpr (std::is_void_v<T>) {
        return then();
      } else {
        return then(**this);
      }
    };
    return *this ? call() : decltype(call())(tl::unexpected(this->error()));
  }
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_RESULT_H_
