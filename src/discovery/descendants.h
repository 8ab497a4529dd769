#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_DESCENDANTS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_DESCENDANTS_H_

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "discovery/match.h"

namespace resource_attribution::discovery {

/// A process and its parent.
struct Parenthood {
  pid_t parent = 0;
  pid_t pid = 0;
};

/// A process that belongs to a service because its parent does.
struct Descendant {
  Match match{};
  pid_t parent = 0;
  /// The index of the parent among the descendants. None: the parent matches by
  /// itself.
  std::optional<size_t> via{};
};

/// Fills `found` with the descendants of `ancestors`, parents before their
/// children. It leaves out a process that is an ancestor itself for the same
/// service. `ancestors` must be sorted. Sorts `parents`; if a process has
/// several parents there, the lowest counts.
void FindDescendants(std::span<const Match> ancestors,
                     std::vector<Parenthood>& parents,
                     std::vector<Descendant>& found);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_DESCENDANTS_H_
