#ifndef RESOURCE_ATTRIBUTION_CHILD_CONFINE_H_
#define RESOURCE_ATTRIBUTION_CHILD_CONFINE_H_

#include <string>

#include "config/config.h"

namespace resource_attribution::child {

/// Raises the limit of open files of this process as far as it may
/// (RLIMIT_NOFILE, getrlimit(2)).
void RaiseFileLimit();

/// Gives up what passes with this configuration do not need, for good:
///  - capabilities(7): keeps CAP_SYS_PTRACE, and if an option needs them
///    CAP_DAC_READ_SEARCH and CAP_NET_ADMIN;
///  - PR_SET_NO_NEW_PRIVS of prctl(2): no program can give any back;
///  - system calls, by a filter of seccomp(2): it can start no program, make no
///    process or thread, trace, signal no other process, mount, or open a file
///    to write. Only if users are looked up can it connect to anything. Any
///    other call than those that a pass makes fails with ENOSYS.
///
/// Returns what could not be given up, for people; empty if all was.
std::string Confine(const Config& config);

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_CONFINE_H_
