#include <fcntl.h>

#include "discovery/cgroups.h"
#include "fuzz.h"
#include "proc_tree.h"

using resource_attribution::discovery::Cgroups;

namespace {

// Counts the open descriptors; a fuzzer has few.
int OpenDescriptors() {
  int count = 0;
  for (int fd = 0; fd < 16; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) ++count;
  }
  return count;
}

}  // namespace

// Fuzzes the list of mounted file systems, from which the module finds the
// hierarchies.
void Fuzz(std::string_view bytes) {
  static const TemporaryDirectory directory;
  static const std::string path = directory.path() / "mounts";
  Write(path, std::string(bytes));
  const int before = OpenDescriptors();
  {
    Cgroups cgroups(path);
    const bool found = cgroups.BeginPass().has_value();
    const int opened = OpenDescriptors() - before;
    Require(found == (opened > 0) && opened <= 2,
            "one directory is open for each of two hierarchies");
    Require(!found || bytes.find("cgroup") != std::string_view::npos,
            "nothing is a hierarchy but what is called so");
  }
  Require(OpenDescriptors() == before, "all are closed again");
}
