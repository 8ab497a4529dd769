#ifndef RESOURCE_ATTRIBUTION_PROCFS_ADDRESS_SPACE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_ADDRESS_SPACE_H_

#include <sys/types.h>

namespace resource_attribution::procfs {

/// Whether two processes have one address space, as a child of vfork(2) has
/// that of its parent until it executes a program; kcmp(2), KCMP_VM (Linux 3.5,
/// CONFIG_KCMP). The PIDs are those of the caller's PID namespace.
///
/// False also where the kernel does not say: it takes the right to trace both
/// (ptrace(2), PTRACE_MODE_READ_REALCREDS).
bool ShareAddressSpace(pid_t one, pid_t other);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_ADDRESS_SPACE_H_
