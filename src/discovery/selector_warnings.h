#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_WARNINGS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_WARNINGS_H_

#include <optional>
#include <string>
#include <vector>

#include "discovery/selectors.h"

namespace resource_attribution::discovery {

/// Selectors that are valid and most likely select nothing, as far as the
/// configuration alone shows it: a path or a wildcard where none is meant. For
/// people, one line each, with what to write instead.
std::vector<std::string> SelectorWarnings(const Selectors& selectors);

/// The pattern as a path, without a slash at its beginning.
std::string CgroupPath(const CgroupPattern& pattern);

/// Where the pattern begins with the directory in which the hierarchies are
/// mounted by convention, the pattern without it.
std::optional<CgroupPattern> WithoutMountPoint(const CgroupPattern& pattern);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_WARNINGS_H_
