#ifndef RESOURCE_ATTRIBUTION_TESTS_FAULTS_LIBC_FAULTS_H_
#define RESOURCE_ATTRIBUTION_TESTS_FAULTS_LIBC_FAULTS_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

// The functions of the C library by which the module asks the kernel, in place
// of its own: they can be made to fail. Whoever links this has them, libmnl and
// libstdc++ included. Not thread-safe.
namespace libc {

/// A call, and the file that it is about where there is one.
struct Call {
  std::string function;
  std::string path;

  auto operator<=>(const Call&) const = default;
};

/// What is to fail: the call at a position, or each that is like `call`.
struct Fault {
  Call call;          ///< an empty path: of whatever file
  int position = -1;  ///< counted from Arm; negative: each that is like `call`
  int error = 0;      ///< an errno; what the function returns is as it says
  bool cut = false;   ///< no error: a file that ends too early,
  size_t length = 0;  ///< after this many bytes,
  bool goes_on = false;  ///< or a read that has only as many at once
};

/// Counts calls from now on; `fault` may be null and has to outlive this.
void Arm(const Fault* fault);

/// Calls go through again. Returns those since Arm.
std::vector<Call> Disarm();

/// How many calls the fault has met since Arm.
int Hits();

/// What the clocks show from now on; CLOCK_MONOTONIC and CLOCK_BOOTTIME alike.
void SetTime(std::chrono::nanoseconds since_boot);

/// The kernel's process events come from here instead: "proc connector",
/// linux/cn_proc.h. Where it says no, whoever subscribes gets no answer.
void SetConnector(bool answers);
void SendFork(pid_t parent, pid_t child);
void SendExec(pid_t pid);
void SendName(pid_t pid);
void SendUser(pid_t pid);

}  // namespace libc

#endif  // RESOURCE_ATTRIBUTION_TESTS_FAULTS_LIBC_FAULTS_H_
