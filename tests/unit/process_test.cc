#include "procfs/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "child_process.h"
#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

class ProcessTest : public testing::Test {
 protected:
  FileDescriptor proc_{open("/proc", O_RDONLY | O_DIRECTORY)};
  Buffer content_;
};

TEST_F(ProcessTest, ReadsThisProcess) {
  const auto self = Process::Open(proc_.get(), getpid());
  ASSERT_TRUE(self) << self.error().Message();
  const auto stat = self->ReadStat(content_);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->pid, getpid());
  const auto status = self->ReadStatus(content_);
  ASSERT_TRUE(status) << status.error().Message();
  EXPECT_EQ(status->thread_group, getpid());
  EXPECT_EQ(status->effective_user, geteuid());
  EXPECT_GT(status->vm_rss_kb.value_or(0), 0U);
  EXPECT_GE(status->vm_peak_kb.value_or(0), status->vm_rss_kb.value_or(0));
  const auto exe = self->ReadExe(content_);
  ASSERT_TRUE(exe) << exe.error().Message();
  EXPECT_EQ(*exe, std::filesystem::read_symlink("/proc/self/exe"));
  const auto comm = self->ReadComm(content_);
  ASSERT_TRUE(comm);
  EXPECT_EQ(*comm, "process_test");
  const auto cmdline = self->ReadCmdline(content_);
  ASSERT_TRUE(cmdline);
  EXPECT_TRUE(cmdline->argv0.ends_with("process_test"));
}

TEST_F(ProcessTest, HandleOfADeadProcessReadsNothing) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const auto process = Process::Open(proc_.get(), child);
  ASSERT_TRUE(process);
  ASSERT_TRUE(process->ReadStat(content_));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);

  const auto stat = process->ReadStat(content_);
  ASSERT_FALSE(stat);
  EXPECT_TRUE(stat.error().Gone()) << stat.error().Message();
  const auto status = process->ReadStatus(content_);
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().Gone()) << status.error().Message();
}

// An exec keeps PID and start time.
TEST_F(ProcessTest, ProgramExecutedAnewHasItsEnvironmentElsewhere) {
  ChildProcess child({[] {}, ExecuteSleep("sleep")});
  const auto process = Process::Open(proc_.get(), child.pid());
  ASSERT_TRUE(process);
  const auto before = process->ReadStat(content_);
  ASSERT_TRUE(before) << before.error().Message();
  child.Next();
  const auto after = process->ReadStat(content_);
  ASSERT_TRUE(after) << after.error().Message();
  EXPECT_EQ(after->start_time, before->start_time);
  EXPECT_NE(before->env_start, 0U);
  EXPECT_NE(after->env_start, 0U);
  EXPECT_NE(after->env_start, before->env_start);
}

// The descriptor stays with the directory it was opened for even when another
// one takes its name, as the process that gets a reused PID does.
TEST_F(ProcessTest, HandleDoesNotFollowAReusedPid) {
  ProcTree tree;
  tree.Put({.pid = 5, .comm = "old"});
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  const auto process = Process::Open(root.get(), 5);
  ASSERT_TRUE(process);
  tree.Remove(5);
  tree.Put({.pid = 5, .comm = "new"});

  const auto stat = process->ReadStat(content_);
  ASSERT_FALSE(stat);
  EXPECT_TRUE(stat.error().Gone());
}

TEST_F(ProcessTest, ThereIsNoProcessZero) {
  const auto process = Process::Open(proc_.get(), 0);
  ASSERT_FALSE(process);
  EXPECT_TRUE(process.error().Gone());
}

TEST_F(ProcessTest, CommandLineIsCutAt256Kilobytes) {
  ProcTree tree;
  tree.Put({.pid = 5, .cmdline = std::string(300 << 10, 'x')});
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  const auto process = Process::Open(root.get(), 5);
  ASSERT_TRUE(process);
  const auto cmdline = process->ReadCmdline(content_);
  ASSERT_TRUE(cmdline);
  EXPECT_EQ(cmdline->joined.size(), size_t{256} << 10);
}

// 65,536 supplementary groups make `status` larger than any first read.
TEST_F(ProcessTest, StatusMayBeHundredsOfKilobytes) {
  ProcTree tree;
  tree.Put({.pid = 5});
  const std::string path = tree.path() + "/5/status";
  std::string groups = "Groups:\t";
  for (int i = 0; i < 65536; ++i) groups += "4294967294 ";
  Write(path, groups + "\n" + ContentOf(path));
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  const auto process = Process::Open(root.get(), 5);
  ASSERT_TRUE(process);
  const auto status = process->ReadStatus(content_);
  ASSERT_TRUE(status) << status.error().Message();
  EXPECT_EQ(status->vm_rss_kb, 1000U);
}

}  // namespace
}  // namespace resource_attribution::procfs
