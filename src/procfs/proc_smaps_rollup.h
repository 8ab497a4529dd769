#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_SMAPS_ROLLUP_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_SMAPS_ROLLUP_H_

#include <cstdint>
#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// The proportional set size, in kB of 1024 bytes, from the content of
/// `/proc/PID/smaps_rollup` (Linux 4.14): resident memory in which each page
/// counts divided by the number of processes that share it; proc(5),
/// "/proc/pid/smaps".
Result<uint64_t> ParsePss(std::string_view bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_SMAPS_ROLLUP_H_
