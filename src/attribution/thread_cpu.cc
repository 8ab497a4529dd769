#include "attribution/thread_cpu.h"

#include <algorithm>

#include "attribution/started_after.h"

namespace resource_attribution::attribution {
namespace {

bool IsIn(size_t group, procfs::ThreadGroups groups) {
  return (groups >> group & 1) != 0;
}

}  // namespace

std::optional<double> ThreadCpuPercent(const Snapshot& previous,
                                       const procfs::ProcessThreads& threads,
                                       size_t group, double ticks_per_second) {
  std::optional<procfs::Instant> before = threads.read_before;
  bool is_complete = threads.complete && threads.complete_before;
  if (!before && previous.begun &&
      StartedAfter(*previous.begun, threads.id, ticks_per_second)) {
    before = previous.begun;
    is_complete = threads.complete;
  }
  if (!before || !is_complete || !IsIn(group, threads.groups_seen)) {
    return std::nullopt;
  }
  const std::chrono::duration<double> elapsed =
      threads.read_ended - before->monotonic;
  if (elapsed.count() <= 0) return std::nullopt;

  uint64_t used = 0;
  for (const procfs::Thread& thread : threads.threads) {
    if (!IsIn(group, thread.groups)) continue;
    if (thread.cpu_ticks_before) {
      // Where a counter went backwards nothing is known.
      used += std::max(thread.cpu_ticks, *thread.cpu_ticks_before) -
              *thread.cpu_ticks_before;
    } else if (StartedAfter(*before, {thread.tid, thread.start_time},
                            ticks_per_second)) {
      used += thread.cpu_ticks;
    }
  }
  return static_cast<double>(used) / ticks_per_second / elapsed.count() * 100;
}

}  // namespace resource_attribution::attribution
