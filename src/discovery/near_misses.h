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
/// selector matches, and what would have matched. For people, a few lines for
/// each of `selectors`, in that order. `mounts` is as for Cgroups.
///
/// Looks at everything that runs once, and at the files that the selectors
/// name. What processes say of themselves is printable in the lines; their
/// command lines, which may hold secrets, are not in them.
procfs::Result<std::vector<std::vector<std::string>>> ExplainNearMisses(
    const procfs::Procfs& proc, const std::string& mounts,
    std::span<const Selectors* const> selectors);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_NEAR_MISSES_H_
