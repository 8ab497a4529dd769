#include "procfs/proc_cmdline.h"

#include <algorithm>

namespace resource_attribution::procfs {

Cmdline ParseCmdline(std::string& bytes) {
  // npos + 1 is 0: nothing but NULs.
  bytes.resize(bytes.find_last_not_of('\0') + 1);
  const size_t argv0_size = bytes.find('\0');
  std::replace(bytes.begin(), bytes.end(), '\0', ' ');
  const std::string_view joined = bytes;
  return {.joined = joined, .argv0 = joined.substr(0, argv0_size)};
}

}  // namespace resource_attribution::procfs
