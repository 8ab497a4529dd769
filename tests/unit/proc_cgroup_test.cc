#include "procfs/proc_cgroup.h"

#include <gtest/gtest.h>

namespace resource_attribution::procfs {
namespace {

TEST(ProcCgroup, IsThatOfV2) {
  EXPECT_EQ(ParseCgroup("0::/system.slice/nginx.service\n"),
            "/system.slice/nginx.service");
  EXPECT_EQ(ParseCgroup("0::/\n"), "/");
}

// Captured from a hybrid host: v1 controllers, systemd's own, and v2.
TEST(ProcCgroup, OnAHybridHostIsTheOneThatSaysMore) {
  EXPECT_EQ(ParseCgroup("9:name=systemd:/system.slice/a.service\n"
                        "4:memory:/other\n1:cpu,cpuacct:/\n0::/\n"),
            "/system.slice/a.service");
  EXPECT_EQ(ParseCgroup("9:name=systemd:/\n4:memory:/other\n0::/a.slice\n"),
            "/a.slice");
}

TEST(ProcCgroup, OfOtherControllersIsNone) {
  EXPECT_EQ(ParseCgroup("4:memory:/other\n"), "");
  EXPECT_EQ(ParseCgroup(""), "");
}

TEST(ProcCgroup, MayHoldColonsAndBlanks) {
  EXPECT_EQ(ParseCgroup("0::/a:b c/d\n"), "/a:b c/d");
}

TEST(ProcCgroup, OfOneThatWasRemovedIsAsItWas) {
  EXPECT_EQ(ParseCgroup("0::/a/b (deleted)\n"), "/a/b");
}

TEST(ProcCgroup, CutLineIsAnError) {
  const auto cgroup = ParseCgroup("0:");
  ASSERT_FALSE(cgroup);
  EXPECT_EQ(cgroup.error().Message(),
            "/proc/PID/cgroup: expected lines of ID:CONTROLLERS:PATH");
  EXPECT_FALSE(ParseCgroup("4:memory:/other\n0::/system.sli"));
}

}  // namespace
}  // namespace resource_attribution::procfs
