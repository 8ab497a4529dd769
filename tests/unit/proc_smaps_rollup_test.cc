#include "procfs/proc_smaps_rollup.h"

#include <gtest/gtest.h>

namespace resource_attribution::procfs {
namespace {

// Captured from Linux 6.18.
constexpr const char* kCaptured =
    "55f0e1a5d000-7ffd0c5f6000 ---p 00000000 00:00 0                          "
    "[rollup]\n"
    "Rss:                3468 kB\n"
    "Pss:                 381 kB\n"
    "Pss_Dirty:           208 kB\n"
    "Pss_Anon:            208 kB\n"
    "SwapPss:               0 kB\n";

TEST(ProcSmapsRollup, PssIsReadAndNothingThatBeginsLikeIt) {
  EXPECT_EQ(ParsePss(kCaptured), 381U);
}

TEST(ProcSmapsRollup, AnythingElseIsAnError) {
  for (const char* content :
       {"", "x\nPss: 381", "x\nPss: many kB\n", "x\nPss: 1 MB\n",
        "x\nPss_Dirty: 208 kB\n", "x\nPss: 18446744073709551615 kB\n"}) {
    const auto pss = ParsePss(content);
    ASSERT_FALSE(pss) << content;
    EXPECT_EQ(pss.error().Message(),
              "/proc/PID/smaps_rollup: expected a size in kB as Pss");
  }
}

}  // namespace
}  // namespace resource_attribution::procfs
