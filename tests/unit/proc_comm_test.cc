#include "procfs/proc_comm.h"

#include <gtest/gtest.h>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

TEST(ProcComm, LosesTheLineBreakOfTheKernelOnly) {
  EXPECT_EQ(ParseComm("nginx\n"), "nginx");
  EXPECT_EQ(ParseComm("nginx\n\n"), "nginx\n");
  EXPECT_EQ(ParseComm(ContentOf(FIXTURES "/proc/101/comm")), "line\nbreak\\x");
}

TEST(ProcComm, FifteenBytesWithoutAnEnd) {
  EXPECT_EQ(ParseComm("123456789012345"), "123456789012345");
}

TEST(ProcComm, MayBeEmpty) {
  EXPECT_EQ(ParseComm("\n"), "");
  EXPECT_EQ(ParseComm(""), "");
}

}  // namespace
}  // namespace resource_attribution::procfs
