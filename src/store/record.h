#ifndef RESOURCE_ATTRIBUTION_STORE_RECORD_H_
#define RESOURCE_ATTRIBUTION_STORE_RECORD_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "procfs/instant.h"
#include "procfs/process.h"
#include "store/threads.h"

namespace resource_attribution::store {

/// Whether a process is traced.
enum class TracingState {
  kUnknown,  ///< the estimate stands
  kTraced,
  kUntraced,  ///< it has no overhead
};

struct Detection {
  TracingState tracing = TracingState::kUnknown;

  /// For people: what decided, or why it is unknown. Static text, never what
  /// the process wrote.
  const char* evidence = "";

  /// The process was told not to trace, by its environment or command line.
  bool is_switched_off = false;
};

/// What was detected of a process, for the program that it executes now.
struct Detected {
  Detection detection{};

  /// Why the process could not be read, for people; empty if it could.
  std::string problem{};

  /// The ports of services to which the process has connections: only for
  /// those services they are evidence.
  std::vector<uint16_t> ports_of_services{};

  /// When to look again; none: never.
  std::optional<std::chrono::steady_clock::time_point> next_look{};
  bool is_starting = false;  ///< its libraries may not be loaded yet
  bool may_change = true;    ///< another look may show something else
  uint64_t pass = 0;         ///< of the last look

  // Which program: `env_start` moves when a program is executed; `comm` tells
  // where the daemon may not see that.
  uint64_t env_start = 0;
  std::string comm{};
  std::chrono::steady_clock::time_point first_look{};
};

/// A reading of CPU time from which the next one measures.
struct CpuBaseline {
  uint64_t ticks = 0;  ///< utime + stime, in clock ticks
  std::chrono::steady_clock::time_point read_begun{};
};

/// A process from its first match to its last, and all that is known of it.
struct Record {
  procfs::ProcessId id{};
  std::optional<procfs::ProcessFiles> files{};  ///< none beyond the budget
  uint64_t pass = 0;                            ///< in which it was read last

  // As read in that pass.
  std::string comm{};
  procfs::Stat stat{};  ///< its comm refers to the above
  procfs::ReadTime stat_read{};
  procfs::Status status{};
  std::optional<uint64_t> pss_kb{};  ///< where a service asks for it
  uint64_t pss_pass = 0;             ///< in which pss_kb was read

  /// It shares the address space of its parent, so its memory is that of the
  /// parent.
  bool shares_memory = false;
  pid_t compared_with = 0;  ///< the parent for which that was found

  /// CPU at the last pass that measured CPU and read the process; none: there
  /// was no such pass.
  std::optional<CpuBaseline> baseline{};

  std::optional<Detected> detected{};  ///< where a service asks for it

  /// For each service that measures threads: they are grouped by its names.
  std::vector<ServiceThreads> threads{};

  uint64_t CpuTicks() const { return stat.utime + stat.stime; }

  /// The threads as `service` groups them; null where it does not.
  const Threads* ThreadsOf(size_t service) const;
};

}  // namespace resource_attribution::store

#endif  // RESOURCE_ATTRIBUTION_STORE_RECORD_H_
