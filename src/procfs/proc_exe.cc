#include "procfs/proc_exe.h"

namespace resource_attribution::procfs {

std::string_view ParseExe(std::string_view target) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (target.ends_with(kDeleted)) target.remove_suffix(kDeleted.size());
  return target;
}

}  // namespace resource_attribution::procfs
