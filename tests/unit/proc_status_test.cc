#include "procfs/proc_status.h"

#include <gtest/gtest.h>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

std::string Fixture(const char* pid) {
  return ContentOf(std::string(FIXTURES "/proc/") + pid + "/status");
}

TEST(ProcStatus, ReadsWhatARealKernelWrites) {
  const auto status = ParseStatus(Fixture("100"));
  ASSERT_TRUE(status) << status.error().Message();
  EXPECT_EQ(status->thread_group, 100);
  EXPECT_EQ(status->effective_user, 0U);
  EXPECT_EQ(status->vm_peak_kb, 2920U);
  EXPECT_EQ(status->vm_hwm_kb, 1736U);
  EXPECT_EQ(status->vm_rss_kb, 1736U);
}

TEST(ProcStatus, KernelThreadHasNoMemoryRatherThanZero) {
  const auto status = ParseStatus(Fixture("2"));
  ASSERT_TRUE(status) << status.error().Message();
  EXPECT_EQ(status->thread_group, 2);
  EXPECT_EQ(status->vm_rss_kb, std::nullopt);
  EXPECT_EQ(status->vm_peak_kb, std::nullopt);
  EXPECT_EQ(status->vm_hwm_kb, std::nullopt);
}

TEST(ProcStatus, ZombieHasNoMemoryRatherThanZero) {
  const auto status = ParseStatus(Fixture("104"));
  ASSERT_TRUE(status) << status.error().Message();
  EXPECT_EQ(status->vm_rss_kb, std::nullopt);
}

TEST(ProcStatus, NameCannotForgeALine) {
  const std::string bytes = Fixture("101");
  EXPECT_TRUE(bytes.starts_with("Name:\tline\\nbreak\\\\x\n"));
  ASSERT_TRUE(ParseStatus("Name:\tx\\nVmRSS:\t9 kB\nVmRSS:\t 5 kB\n"));
  EXPECT_EQ(ParseStatus("Name:\tx\\nVmRSS:\t9 kB\nVmRSS:\t 5 kB\n")->vm_rss_kb,
            5U);
}

TEST(ProcStatus, EffectiveUserIsTheSecondOfFour) {
  const auto status = ParseStatus("Uid:\t1\t2\t3\t4\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->effective_user, 2U);
}

TEST(ProcStatus, UnknownLinesArePassedOver) {
  const auto status = ParseStatus(
      "Name:\tx\nVmNew:\t-3 parsecs\nno colon here\n:\nVmRSS:\t 12 kB\n\n");
  ASSERT_TRUE(status) << status.error().Message();
  EXPECT_EQ(status->vm_rss_kb, 12U);
}

// One PID for each PID namespace from that of the procfs on.
TEST(ProcStatus, PidsAreCounted) {
  EXPECT_EQ(ParsePidCount("Name:\tx\nNStgid:\t7\nNSpid:\t7\n"), 1U);
  EXPECT_EQ(ParsePidCount("Name:\tx\nNSpid:\t4159\t12\t1\nNSpgid:\t1\n"), 3U);
  EXPECT_FALSE(ParsePidCount("Name:\tx\nNStgid:\t7\n"));
}

struct Malformed {
  const char* name;
  std::string bytes;
  const char* expected;
};

class MalformedStatus : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedStatus, IsAnErrorThatSaysWhatWasExpected) {
  const auto status = ParseStatus(GetParam().bytes);
  ASSERT_FALSE(status);
  EXPECT_STREQ(status.error().file, "/proc/PID/status");
  EXPECT_STREQ(status.error().expected, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    ProcStatus, MalformedStatus,
    testing::Values(
        Malformed{"Empty", "", "lines, of which there are none"},
        Malformed{"Negative", "VmRSS:\t-5 kB\n", "a size in kB as VmRSS"},
        Malformed{"Beyond64Bits", "VmRSS:\t99999999999999999999 kB\n",
                  "a size in kB as VmRSS"},
        // Fits 64 bits in kB, but not in bytes.
        Malformed{"BeyondBytes", "VmPeak:\t18014398509481984 kB\n",
                  "a size in kB as VmPeak"},
        Malformed{"OtherUnit", "VmHWM:\t5 MB\n", "a size in kB as VmHWM"},
        Malformed{"NoUnit", "VmHWM:\t5\n", "a size in kB as VmHWM"},
        Malformed{"TwoNumbers", "VmRSS:\t5 6 kB\n", "a size in kB as VmRSS"},
        Malformed{"MoreBehindUnit", "VmRSS:\t5 kB 6\n",
                  "a size in kB as VmRSS"},
        Malformed{"Nul", std::string("VmRSS:\t5\0 kB\n", 13),
                  "a size in kB as VmRSS"},
        Malformed{"NoTgid", "Tgid:\t\n", "a process ID as Tgid"},
        Malformed{"NegativeTgid", "Tgid:\t-5\n", "a process ID as Tgid"},
        Malformed{"OneUser", "Uid:\t0\n", "four user IDs as Uid"},
        Malformed{"CutInNumber", "Name:\tx\nVmRSS:\t 12",
                  "a line break at the end"},
        Malformed{"CutBehindUnit", "Name:\tx\nVmRSS:\t 12 kB",
                  "a line break at the end"}),
    [](const auto& info) { return info.param.name; });

TEST(ProcStatus, LargestSizeThatFitsInBytes) {
  const auto status = ParseStatus("VmPeak:\t18014398509481983 kB\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->vm_peak_kb, 18014398509481983U);
}

}  // namespace
}  // namespace resource_attribution::procfs
