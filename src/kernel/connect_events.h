#ifndef RESOURCE_ATTRIBUTION_KERNEL_CONNECT_EVENTS_H_
#define RESOURCE_ATTRIBUTION_KERNEL_CONNECT_EVENTS_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "procfs/file.h"
#include "procfs/result.h"

namespace resource_attribution::kernel {

/// Where the fields of the tracepoints are; the kernel's "format" files.
struct SocketTracepoints {
  struct Field {
    size_t offset = 0;
    size_t size = 0;
  };

  uint16_t state_id = 0;  ///< sock:inet_sock_set_state, Linux 4.16
  Field state_socket{};
  Field old_state{};
  Field new_state{};

  uint16_t end_id = 0;  ///< tcp:tcp_destroy_sock
  Field end_socket{};
  Field cookie{};
};

/// Something that happened to a TCP socket.
struct SocketEvent {
  enum class Kind { kConnect, kAccept, kFailure, kEnd };

  std::chrono::nanoseconds at{};  ///< CLOCK_MONOTONIC
  uint64_t socket = 0;  ///< its address in the kernel, reused after its end
  Kind kind = Kind::kConnect;
  pid_t pid = 0;        ///< if it connects: of the process that does so
  uint64_t cookie = 0;  ///< if it ends
};

/// Adds the events in records of perf_event_open(2) that are behind one
/// another. False if the kernel lost some, or if a record makes no sense.
bool AddSocketEvents(std::span<const char> records,
                     const SocketTracepoints& tracepoints,
                     std::vector<SocketEvent>& events);

/// Which processes open TCP connections to a set of remote ports, in all
/// network namespaces, from tracepoints by perf_event_open(2).
///
/// Opening needs CAP_PERFMON, Linux 5.8, or CAP_SYS_ADMIN; or
/// kernel.perf_event_paranoid of -1; and to read tracefs. Reading then needs
/// neither a privilege nor a system call: the kernel writes into memory that is
/// shared. Not thread-safe.
class ConnectEvents {
 public:
  /// Opens the tracepoints on all CPUs that are online.
  static procfs::Result<ConnectEvents> Open(
      const std::vector<uint16_t>& remote_ports,
      const std::vector<std::string>& tracefs = {"/sys/kernel/tracing",
                                                 "/sys/kernel/debug/tracing"});

  /// The process that opened a socket. The PID is of the namespace in which
  /// this was opened, and may be that of another process by now.
  struct Opener {
    uint64_t cookie = 0;
    pid_t pid = 0;
    std::chrono::nanoseconds at{};  ///< CLOCK_MONOTONIC
  };

  /// The most sockets that are remembered while they are open.
  static constexpr size_t kOpenMax = 16'384;

  /// Takes the events since the last call. False if some are missing: the
  /// memory was full. It fails if CPUs came or went: then events of some CPUs
  /// are unknown for good.
  procfs::Result<bool> Drain();

  /// Who opened a socket that ended before the last call of Drain, and after
  /// the second to last: the kernel may tell of the end itself a little later.
  /// Null if that is unknown.
  const Opener* Find(uint64_t cookie) const;

 private:
  struct Unmap {
    size_t size;
    void operator()(char* memory) const;
  };

  // The events of one CPU.
  struct Ring {
    procfs::FileDescriptor states;
    procfs::FileDescriptor ends;  // written into the memory of `states`
    std::unique_ptr<char, Unmap> memory;
  };

  ConnectEvents(SocketTracepoints tracepoints, procfs::FileDescriptor cpus);

  procfs::Result<void> Add(int cpu, const std::string& state_filter,
                           const std::string& end_filter, size_t size);
  procfs::Result<std::string_view> OnlineCpus();
  bool Read(const Ring& ring);
  bool Take(const SocketEvent& event);

  struct OpenSocket {
    pid_t pid;
    std::chrono::nanoseconds at;
  };

  SocketTracepoints tracepoints_;
  procfs::FileDescriptor cpus_;  // the list of those online
  std::string online_;
  std::vector<Ring> rings_;
  std::unordered_map<uint64_t, OpenSocket> open_;  // by address
  std::vector<Opener> ended_;         // until the last Drain, sorted by cookie
  std::vector<Opener> ended_before_;  // until the one before, likewise
  std::vector<SocketEvent> events_;   // not taken yet

  std::vector<char> records_;  // kept for their memory
  procfs::Buffer buffer_;
};

/// The ID and the fields in the "format" files of the two tracepoints.
procfs::Result<SocketTracepoints> ParseTracepoints(std::string_view state,
                                                   std::string_view end);

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_CONNECT_EVENTS_H_
