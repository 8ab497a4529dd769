#include <string>

#include "fuzz.h"
#include "procfs/proc_comm.h"

using resource_attribution::procfs::ParseComm;

void Fuzz(std::string_view bytes) {
  const std::string_view comm = ParseComm(bytes);
  Require(bytes == comm || bytes == std::string(comm) + "\n",
          "nothing but one line break is cut from the end");
}
