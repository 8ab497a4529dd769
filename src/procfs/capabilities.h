#ifndef RESOURCE_ATTRIBUTION_PROCFS_CAPABILITIES_H_
#define RESOURCE_ATTRIBUTION_PROCFS_CAPABILITIES_H_

#include <initializer_list>
#include <string>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// A capability of capabilities(7): its number, from linux/capability.h, and
/// its name.
struct Capability {
  int number;
  const char* name;
};

extern const Capability kSysPtrace;
extern const Capability kDacReadSearch;

/// Why the kernel refused to show something that needs all of `needed`, for
/// people: which of them the calling thread lacks in its effective set, or that
/// it lacks none.
std::string WhyRefused(std::initializer_list<Capability> needed);

/// The message of an error; if it is Denied(), followed by WhyRefused.
std::string Explain(const Error& error,
                    std::initializer_list<Capability> needed);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_CAPABILITIES_H_
