#include <limits>
#include <string>

#include "fuzz.h"
#include "procfs/proc_smaps_rollup.h"

using resource_attribution::procfs::ParsePss;

void Fuzz(std::string_view bytes) {
  const auto pss = ParsePss(bytes);
  if (!pss) {
    Require(pss.error().expected != nullptr, "an error says what is expected");
    return;
  }
  Require(*pss <= std::numeric_limits<uint64_t>::max() / 1024,
          "a size fits 64 bits in bytes");
  const auto again = ParsePss("[rollup]\nPss: " + std::to_string(*pss) +
                              " kB\nPss_Dirty: 1 kB\n");
  Require(again && *again == *pss, "what is written anew reads the same");
}
