#ifndef RESOURCE_ATTRIBUTION_TESTS_FAULTS_LIBC_FAULTS_H_
#define RESOURCE_ATTRIBUTION_TESTS_FAULTS_LIBC_FAULTS_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

// Replaces the functions of the C library by which the module asks the kernel,
// and can make them fail. Everything that is linked with this uses them, libmnl
// and libstdc++ included. Not thread-safe.
namespace libc {

/// A call, and the file that it concerns, if there is one.
struct Call {
  std::string function;
  std::string path;

  auto operator<=>(const Call&) const = default;
};

/// The call that fails: the one at a position, or each that equals `call`.
struct Fault {
  Call call;          ///< an empty path: of whatever file
  int position = -1;  ///< counted from Arm; negative: each that is like `call`
  int error = 0;      ///< an errno; what the function returns is as it says
  bool cut = false;   ///< no error: a file that ends too early,
  size_t length = 0;  ///< after this many bytes,
  bool goes_on = false;  ///< or a read that has only as many at once
};

/// Counts calls from now on; `fault` may be null and must outlive this.
void Arm(const Fault* fault);

/// Calls go through again. Returns the calls since Arm.
std::vector<Call> Disarm();

/// How many calls have met the fault since Arm.
int Hits();

/// Sets the time of the clocks from now on, CLOCK_MONOTONIC and CLOCK_BOOTTIME
/// alike.
void SetTime(std::chrono::nanoseconds since_boot);

/// Replaces the kernel's process events, the "proc connector", linux/cn_proc.h.
/// If `answers` is false, a subscriber gets no answer.
void SetConnector(bool answers);
void SendFork(pid_t parent, pid_t child);
void SendExec(pid_t pid);
void SendName(pid_t pid);
void SendUser(pid_t pid);

}  // namespace libc

#endif  // RESOURCE_ATTRIBUTION_TESTS_FAULTS_LIBC_FAULTS_H_
