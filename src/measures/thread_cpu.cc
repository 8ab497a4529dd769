#include "measures/thread_cpu.h"

#include <algorithm>

#include "measures/started_after.h"

namespace resource_attribution::measures {
namespace {

bool IsIn(size_t group, store::ThreadGroups groups) {
  return (groups >> group & 1) != 0;
}

}  // namespace

std::optional<double> ThreadCpuPercent(const Pass& pass,
                                       const procfs::ProcessId& id,
                                       const store::Threads& threads,
                                       size_t group) {
  std::optional<procfs::Instant> before = threads.read_before;
  bool is_complete = threads.complete && threads.complete_before;
  if (!before && pass.measured_from &&
      StartedAfter(*pass.measured_from, id, pass.ticks_per_second)) {
    before = pass.measured_from;
    is_complete = threads.complete;
  }
  if (!before || !is_complete || !IsIn(group, threads.groups_seen)) {
    return std::nullopt;
  }
  const std::chrono::duration<double> elapsed =
      threads.read_ended - before->monotonic;
  if (elapsed.count() <= 0) return std::nullopt;

  uint64_t used = 0;
  for (const store::Thread& thread : threads.threads) {
    if (!IsIn(group, thread.groups)) continue;
    if (thread.cpu_ticks_before) {
      // Where a counter went backwards nothing is known.
      used += std::max(thread.cpu_ticks, *thread.cpu_ticks_before) -
              *thread.cpu_ticks_before;
    } else if (StartedAfter(*before, {thread.tid, thread.start_time},
                            pass.ticks_per_second)) {
      used += thread.cpu_ticks;
    }
  }
  return static_cast<double>(used) / pass.ticks_per_second / elapsed.count() *
         100;
}

}  // namespace resource_attribution::measures
