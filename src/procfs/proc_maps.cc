#include "procfs/proc_maps.h"

#include <algorithm>

namespace resource_attribution::procfs {

std::optional<std::string_view> NextMappedFile(std::string_view& maps) {
  while (!maps.empty()) {
    const std::string_view line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    // The path begins at the first slash: the fields before it are addresses,
    // permissions and numbers.
    const size_t slash = line.find('/');
    if (slash != std::string_view::npos) return line.substr(slash);
  }
  return std::nullopt;
}

}  // namespace resource_attribution::procfs
