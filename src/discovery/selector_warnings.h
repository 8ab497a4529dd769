#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_WARNINGS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_WARNINGS_H_

#include <optional>
#include <string>
#include <vector>

#include "discovery/selectors.h"

namespace resource_attribution::discovery {

/// Selectors that are valid but most likely match nothing, as far as the
/// configuration alone shows it: a path or a wildcard where it has no meaning.
/// One line each for people, with what to write instead.
std::vector<std::string> SelectorWarnings(const Selectors& selectors);

/// Whether the text looks like a pattern, where only a plain value has a
/// meaning.
bool HasWildcard(const std::string& text);

/// The pattern as a path, without a slash at its beginning.
std::string CgroupPath(const CgroupPattern& pattern);

/// The pattern without the directory in which the hierarchies are mounted by
/// convention; none if it does not begin with that directory.
std::optional<CgroupPattern> WithoutMountPoint(const CgroupPattern& pattern);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_WARNINGS_H_
