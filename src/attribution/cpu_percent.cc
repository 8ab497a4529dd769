#include "attribution/cpu_percent.h"

#include <algorithm>

#include "attribution/started_after.h"

namespace resource_attribution::attribution {
namespace {

const Reading* FindReading(const Snapshot& snapshot,
                           const procfs::ProcessId& process) {
  const auto found = std::lower_bound(
      snapshot.readings.begin(), snapshot.readings.end(), process,
      [](const Reading& reading, const procfs::ProcessId& id) {
        return reading.process < id;
      });
  if (found == snapshot.readings.end() || found->process != process) {
    return nullptr;
  }
  return &*found;
}

}  // namespace

bool WasRead(const Snapshot& snapshot, const procfs::ProcessId& process) {
  return FindReading(snapshot, process) != nullptr;
}

std::optional<double> CpuPercent(const Snapshot& previous,
                                 const Reading& current,
                                 double ticks_per_second) {
  if (!previous.begun) return std::nullopt;

  uint64_t ticks_before = 0;
  auto begun_before = previous.begun->monotonic;
  if (const Reading* before = FindReading(previous, current.process)) {
    ticks_before = before->cpu_ticks;
    begun_before = before->cpu_read.begun;
  } else if (!StartedAfter(*previous.begun, current.process,
                           ticks_per_second)) {
    return std::nullopt;
  }

  const std::chrono::duration<double> elapsed =
      current.cpu_read.ended - begun_before;
  if (elapsed.count() <= 0 || current.cpu_ticks < ticks_before) {
    return std::nullopt;
  }
  const auto used = static_cast<double>(current.cpu_ticks - ticks_before);
  return used / ticks_per_second / elapsed.count() * 100;
}

}  // namespace resource_attribution::attribution
