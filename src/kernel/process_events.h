#ifndef RESOURCE_ATTRIBUTION_KERNEL_PROCESS_EVENTS_H_
#define RESOURCE_ATTRIBUTION_KERNEL_PROCESS_EVENTS_H_

#include <libmnl/libmnl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "procfs/result.h"

namespace resource_attribution::kernel {

/// A subscription to the kernel's events about processes, its "proc connector",
/// a netlink multicast group; linux/cn_proc.h, CONFIG_PROC_EVENTS.
///
/// A filter in the kernel passes only the events that can change which blocks a
/// process belongs to: it was forked, executed a program, or changed its name
/// or user. Events of threads and exits stay in the kernel. Not thread-safe.
class ProcessEvents {
 public:
  /// Holds about 10,000 events of 768 bytes of kernel memory each. It takes
  /// memory only while it holds events.
  static constexpr int kReceiveBuffer = 4 << 20;

  /// Subscribes. Kernels before 6.6 require CAP_NET_ADMIN. Outside the initial
  /// network namespace the kernel refuses. Outside the initial PID and user
  /// namespaces it does not answer; that is an error as well, because its PIDs
  /// would not be ours.
  static procfs::Result<ProcessEvents> Subscribe(
      int receive_buffer = kReceiveBuffer);

  /// How many events one call takes: others could make them faster than they
  /// are read.
  static constexpr size_t kEventsMax = 65'536;

  /// Adds the processes of all events since the last call to `pids`, in no
  /// particular order, some more than once. False when events may be missing:
  /// the receive buffer was full, or there were more than kEventsMax.
  bool Drain(std::vector<pid_t>& pids);

 private:
  // Ends the subscription. Without that, kernels before 6.6 go on making events
  // for subscribers that have only closed their socket.
  struct Unsubscribe {
    void operator()(mnl_socket* socket) const;
  };

  explicit ProcessEvents(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Unsubscribe> socket_;
  bool lost_some_ = false;  // and has not emptied the buffer since
};

/// Adds the processes of the events in one datagram; see ProcessEvents::Drain.
/// The datagram is aligned as a netlink header.
void AddNamedProcesses(std::span<const char> datagram,
                       std::vector<pid_t>& pids);

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_PROCESS_EVENTS_H_
