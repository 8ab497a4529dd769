#ifndef RESOURCE_ATTRIBUTION_CONFIG_OPTION_LIST_H_
#define RESOURCE_ATTRIBUTION_CONFIG_OPTION_LIST_H_

#include <string>

namespace resource_attribution::options {

/// The option table for people: a line for each option, in columns.
std::string ListForPeople();

/// The option table for tools: an array of objects in JSON, one a line. The
/// manual of resource-attribution-check describes their members.
std::string ListAsJson();

}  // namespace resource_attribution::options

#endif  // RESOURCE_ATTRIBUTION_CONFIG_OPTION_LIST_H_
