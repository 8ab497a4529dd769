#include "procfs/proc_cmdline.h"

#include <algorithm>

namespace resource_attribution::procfs {

Cmdline ParseCmdline(std::span<char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  // npos + 1 is 0: nothing but NULs.
  const auto joined = bytes.first(all.find_last_not_of('\0') + 1);
  const size_t argv0_size = all.substr(0, joined.size()).find('\0');
  std::replace(joined.begin(), joined.end(), '\0', ' ');
  const std::string_view text(joined.data(), joined.size());
  return {.joined = text, .argv0 = text.substr(0, argv0_size)};
}

}  // namespace resource_attribution::procfs
