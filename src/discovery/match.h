#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_MATCH_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_MATCH_H_

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <span>

namespace resource_attribution::discovery {

/// A process belongs to a service.
struct Match {
  pid_t pid = 0;
  size_t service = 0;      ///< index into the targets
  size_t series = 0;       ///< under which it is reported, index into series()
  bool inherited = false;  ///< only because its parent does
  bool untraced = false;   ///< what selects the untraced processes matches, too

  auto operator<=>(const Match&) const = default;
};

/// The match of a process with a service among `matches`, which are sorted;
/// null if there is none.
const Match* FindMatch(std::span<const Match> matches, pid_t pid,
                       size_t service);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_MATCH_H_
