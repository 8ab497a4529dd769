#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_MATCHING_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_MATCHING_H_

#include "discovery/candidate.h"
#include "discovery/selectors.h"
#include "discovery/users.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// Whether every kind of selector holds that has to ask the candidate itself:
/// Name, User, Executable, CommandLine. The cheapest to read are asked first.
/// An error: it cannot be told.
procfs::Result<bool> Matches(const Selectors& selectors, const Users& users,
                             Candidate& candidate);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_MATCHING_H_
