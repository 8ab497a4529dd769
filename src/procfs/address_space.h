#ifndef RESOURCE_ATTRIBUTION_PROCFS_ADDRESS_SPACE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_ADDRESS_SPACE_H_

#include <sys/types.h>

namespace resource_attribution::procfs {

/// Whether two processes share one address space, as a child of vfork(2) shares
/// that of its parent until it executes a program; kcmp(2), KCMP_VM (Linux 3.5,
/// CONFIG_KCMP). The PIDs are those of the caller's PID namespace.
///
/// Also false if the kernel refuses to say: the caller needs the right to trace
/// both (ptrace(2), PTRACE_MODE_READ_REALCREDS).
bool ShareAddressSpace(pid_t one, pid_t other);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_ADDRESS_SPACE_H_
