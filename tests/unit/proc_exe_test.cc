#include "procfs/proc_exe.h"

#include <gtest/gtest.h>

namespace resource_attribution::procfs {
namespace {

TEST(ProcExe, IsThePath) {
  EXPECT_EQ(ParseExe("/usr/sbin/nginx"), "/usr/sbin/nginx");
}

TEST(ProcExe, AfterAnUpgradeItIsStillThePath) {
  EXPECT_EQ(ParseExe("/usr/sbin/nginx (deleted)"), "/usr/sbin/nginx");
}

TEST(ProcExe, OnlyOneMarkIsTheKernels) {
  EXPECT_EQ(ParseExe("/tmp/x (deleted) (deleted)"), "/tmp/x (deleted)");
}

}  // namespace
}  // namespace resource_attribution::procfs
