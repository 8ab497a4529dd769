#ifndef RESOURCE_ATTRIBUTION_CHILD_TABLE_H_
#define RESOURCE_ATTRIBUTION_CHILD_TABLE_H_

#include <string>

#include "sampler/sampler.h"

namespace resource_attribution::child {

/// The table of resource-attribution-check: the services, their values, and the
/// PID and name of each of their processes. Looks at processes once more to say
/// why a service has none.
std::string Table(const Sampler& sampler, const PassReport& report);

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_TABLE_H_
