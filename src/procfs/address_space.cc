#include "procfs/address_space.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procfs/being_read.h"

namespace resource_attribution::procfs {

bool ShareAddressSpace(pid_t one, pid_t other) {
  // Takes exec_update_lock of both (kernel/kcmp.c).
  const Reading reading(one, "kcmp(2)");
  return syscall(SYS_kcmp, one, other, KCMP_VM, 0, 0) == 0;
}

}  // namespace resource_attribution::procfs
