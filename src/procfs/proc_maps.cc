#include "procfs/proc_maps.h"

#include <algorithm>

namespace resource_attribution::procfs {

std::optional<MappedFile> NextMappedFile(std::string_view& maps) {
  while (!maps.empty()) {
    const std::string_view line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    // The path begins at the first slash: the fields before it are addresses,
    // permissions and numbers.
    const size_t slash = line.find('/');
    if (slash == std::string_view::npos) continue;
    // The permissions follow the addresses: "rwxp".
    const size_t permissions = line.find(' ') + 1;
    return MappedFile{.path = line.substr(slash),
                      .is_code = line.substr(permissions).size() > 2 &&
                                 line[permissions + 2] == 'x'};
  }
  return std::nullopt;
}

}  // namespace resource_attribution::procfs
