#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_NEAR_MISSES_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_NEAR_MISSES_H_

#include <span>
#include <string>
#include <vector>

#include "discovery/selectors.h"
#include "procfs/procfs.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// Says why selectors match no process: how many processes each kind of
/// selector matches, and what would have matched. Returns a few lines for
/// people for each of `selectors`, in that order. `mounts` is as for Cgroups.
///
/// Looks once at every running process and at the files that the selectors
/// name. Text that processes choose is printable in the lines. The lines show
/// no command line, because it may hold secrets.
procfs::Result<std::vector<std::vector<std::string>>> ExplainNearMisses(
    const procfs::Procfs& proc, const std::string& mounts,
    std::span<const Selectors* const> selectors);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_NEAR_MISSES_H_
