#include "procfs/proc_smaps_rollup.h"

#include "procfs/kilobytes.h"

namespace resource_attribution::procfs {

Result<uint64_t> ParsePss(std::string_view bytes) {
  constexpr std::string_view kKey = "\nPss:";
  const size_t key = bytes.find(kKey);
  if (key != std::string_view::npos) {
    const std::string_view rest = bytes.substr(key + kKey.size());
    const size_t end = rest.find('\n');
    if (end != std::string_view::npos) {
      if (const auto kilobytes = ParseKilobytes(rest.substr(0, end))) {
        return *kilobytes;
      }
    }
  }
  return Invalid("/proc/PID/smaps_rollup", "a size in kB as Pss");
}

}  // namespace resource_attribution::procfs
