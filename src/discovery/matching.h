#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_MATCHING_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_MATCHING_H_

#include "discovery/candidate.h"
#include "discovery/selectors.h"
#include "discovery/users.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// Whether the candidate matches every kind of selector that needs the
/// candidate itself: Name, User, Cgroup, SystemdUnit, Executable, CommandLine.
/// The cheapest to read come first. If `cgroups_are_listed`, the candidate
/// comes from the kernel's list, and Cgroup and SystemdUnit are not checked
/// again. A kernel thread matches only if a Name selects it.
///
/// An error means that it is unknown.
procfs::Result<bool> Matches(const Selectors& selectors,
                             bool cgroups_are_listed, const Users& users,
                             Candidate& candidate);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_MATCHING_H_
