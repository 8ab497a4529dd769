#include "procfs/proc_comm.h"

namespace resource_attribution::procfs {

std::string_view ParseComm(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  return bytes;
}

}  // namespace resource_attribution::procfs
