#include "procfs/proc_cmdline.h"

#include <gtest/gtest.h>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

using namespace std::string_literals;

TEST(ProcCmdline, ArgumentsAreJoinedByOneSpace) {
  std::string bytes = "/usr/bin/java\0-Xmx1g\0orders.jar\0"s;
  const auto cmdline = ParseCmdline(bytes);
  EXPECT_EQ(cmdline.joined, "/usr/bin/java -Xmx1g orders.jar");
  EXPECT_EQ(cmdline.argv0, "/usr/bin/java");
}

TEST(ProcCmdline, FirstArgumentMayHoldSpaces) {
  std::string bytes = ContentOf(FIXTURES "/proc/100/cmdline");
  const auto cmdline = ParseCmdline(bytes);
  EXPECT_EQ(cmdline.argv0, "/usr/local/bin/a) R 1 (b");
  EXPECT_EQ(cmdline.joined, "/usr/local/bin/a) R 1 (b 500");
}

TEST(ProcCmdline, PaddingOfARewrittenTitleIsCut) {
  std::string bytes = "nginx: master process\0\0\0\0\0\0"s;
  const auto cmdline = ParseCmdline(bytes);
  EXPECT_EQ(cmdline.joined, "nginx: master process");
  EXPECT_EQ(cmdline.argv0, "nginx: master process");
}

// setproctitle and sendmail pad with blanks, and put NULs behind them.
TEST(ProcCmdline, BlanksAtTheEndAreCutToo) {
  std::string bytes = "mydaemon: worker process  \t  \0\0  \0"s;
  const auto cmdline = ParseCmdline(bytes);
  EXPECT_EQ(cmdline.joined, "mydaemon: worker process");
  EXPECT_EQ(cmdline.argv0, "mydaemon: worker process");
  std::string blanks = " \0 "s;
  EXPECT_EQ(ParseCmdline(blanks).joined, "");
}

// The kernel puts the interpreter and its argument before the script.
TEST(ProcCmdline, ScriptStandsBehindItsInterpreter) {
  std::string plain = "/usr/bin/python3\0/usr/sbin/script.py\0"s;
  EXPECT_EQ(ParseCmdline(plain).next[0], "/usr/sbin/script.py");
  EXPECT_EQ(ParseCmdline(plain).next[1], "");
  std::string with_option = "/usr/bin/python3\0-u\0/x/script.py\0-v\0"s;
  const auto cmdline = ParseCmdline(with_option);
  EXPECT_EQ(cmdline.argv0, "/usr/bin/python3");
  EXPECT_EQ(cmdline.next[1], "/x/script.py");
}

TEST(ProcCmdline, EmptyArgumentsInTheMiddleStay) {
  std::string bytes = "a\0\0b\0"s;
  EXPECT_EQ(ParseCmdline(bytes).joined, "a  b");
}

TEST(ProcCmdline, WithoutATrailingNul) {
  std::string bytes = "a\0b"s;
  EXPECT_EQ(ParseCmdline(bytes).joined, "a b");
}

TEST(ProcCmdline, EmptyForKernelThreads) {
  std::string bytes = ContentOf(FIXTURES "/proc/2/cmdline");
  const auto cmdline = ParseCmdline(bytes);
  EXPECT_EQ(cmdline.joined, "");
  EXPECT_EQ(cmdline.argv0, "");
}

TEST(ProcCmdline, NothingButNulsIsEmpty) {
  std::string bytes(100, '\0');
  EXPECT_EQ(ParseCmdline(bytes).joined, "");
}

}  // namespace
}  // namespace resource_attribution::procfs
