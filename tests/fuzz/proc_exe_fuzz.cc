#include <string>

#include "fuzz.h"
#include "procfs/proc_exe.h"

using resource_attribution::procfs::ParseExe;

void Fuzz(std::string_view bytes) {
  const std::string_view exe = ParseExe(bytes);
  Require(bytes == exe || bytes == std::string(exe) + " (deleted)",
          "nothing but one mark of the kernel is cut from the end");
}
