#include "procfs/process_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "child_process.h"
#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

const std::string kProc = "/proc";

// On the real procfs, keeping the files of two processes.
class ProcessTableTest : public testing::Test {
 protected:
  WatchedProcess* Watch(pid_t pid) {
    const auto process = proc_->OpenProcess(pid);
    EXPECT_TRUE(process);
    const auto watched = table_.Watch(*process);
    EXPECT_TRUE(watched) << watched.error().Message();
    return *watched;
  }

  void BeginPass() { table_.BeginPass(*proc_); }

  Result<Procfs> proc_ = Procfs::Open(kProc);
  int looks_ = 0;
  ProcessTable table_{4, [this] {
                        ++looks_;
                        return Instant{};
                      }};
};

TEST_F(ProcessTableTest, WatchesWhatItWasGiven) {
  BeginPass();
  WatchedProcess* self = Watch(getpid());
  EXPECT_EQ(self->id.pid, getpid());
  EXPECT_EQ(self->comm, "process_table_t");
  EXPECT_EQ(self->stat.comm, self->comm);
  EXPECT_EQ(self->stat.parent, getppid());
  EXPECT_EQ(self->status.effective_user, geteuid());
  EXPECT_EQ(table_.Find(getpid()), self);
  EXPECT_EQ(table_.Find(getppid()), nullptr);
}

TEST_F(ProcessTableTest, ReadsEachProcessOnceAPass) {
  BeginPass();
  WatchedProcess* self = Watch(getpid());
  EXPECT_TRUE(table_.Read(*self));
  EXPECT_EQ(looks_, 2);  // before and after
  BeginPass();
  EXPECT_TRUE(table_.Read(*self));
  EXPECT_TRUE(table_.Read(*self));
  EXPECT_EQ(looks_, 4);
}

TEST_F(ProcessTableTest, KeepsNoMoreFilesThanItMay) {
  ChildProcess one({[] {}});
  ChildProcess two({[] {}});
  BeginPass();
  EXPECT_TRUE(Watch(getpid())->files);
  EXPECT_TRUE(Watch(one.pid())->files);
  EXPECT_FALSE(Watch(two.pid())->files);
  EXPECT_EQ(table_.open_files(), 4U);
  table_.Forget(one.pid());
  EXPECT_EQ(table_.open_files(), 2U);
  EXPECT_TRUE(Watch(one.pid())->files);
  BeginPass();
  EXPECT_TRUE(table_.Read(*table_.Find(two.pid())));
}

TEST_F(ProcessTableTest, DeadProcessIsGoneWithKeptFilesAndWithout) {
  ChildProcess kept({[] {}});
  ChildProcess other({[] {}});
  ChildProcess not_kept({[] {}});
  BeginPass();
  for (const auto* child : {&kept, &other, &not_kept}) Watch(child->pid());
  WatchedProcess* processes[] = {table_.Find(kept.pid()),
                                 table_.Find(not_kept.pid())};
  ASSERT_TRUE(processes[0]->files);
  ASSERT_FALSE(processes[1]->files);
  kept.Kill();
  not_kept.Kill();
  BeginPass();
  for (WatchedProcess* process : processes) {
    const auto read = table_.Read(*process);
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().Gone()) << read.error().Message();
  }
}

TEST_F(ProcessTableTest, ZombieIsGone) {
  ChildProcess child({[] {}, [] { _exit(0); }});
  BeginPass();
  WatchedProcess* watched = Watch(child.pid());
  child.Next();
  Result<void> read;
  do {  // until the kernel is through with it
    BeginPass();
    read = table_.Read(*watched);
  } while (read);
  EXPECT_TRUE(read.error().Gone()) << read.error().Message();
}

TEST_F(ProcessTableTest, FollowsAnExecAndANewName) {
  ChildProcess child({[] {}, Rename("other name"), ExecuteSleep("sleep")});
  BeginPass();
  WatchedProcess* watched = Watch(child.pid());
  const ProcessId id = watched->id;
  child.Next();
  BeginPass();
  EXPECT_TRUE(table_.Read(*watched));
  EXPECT_EQ(watched->comm, "other name");
  child.Next();
  BeginPass();
  EXPECT_TRUE(table_.Read(*watched));
  EXPECT_EQ(watched->comm, "sleep");
  EXPECT_EQ(watched->id, id);
}

// Without kept files the start time alone tells.
TEST(ProcessTable, ReusedPidIsSomebodyElse) {
  ProcTree tree;
  tree.Put({.pid = 5, .start_time = 1000});
  const std::string path = tree.path();
  const auto proc = Procfs::Open(path);
  for (const size_t max_open_files : {0U, 2U}) {
    tree.Put({.pid = 5, .start_time = 1000});
    ProcessTable table(max_open_files, [] { return Instant{}; });
    table.BeginPass(*proc);
    const auto watched = table.Watch(*proc->OpenProcess(5));
    ASSERT_TRUE(watched);
    tree.Put({.pid = 5, .start_time = 1001});
    table.BeginPass(*proc);
    const auto read = table.Read(**watched);
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().Gone());
    EXPECT_EQ((*watched)->id.start_time, 1000U);
  }
}

TEST(ProcessTable, ForgetsWhatIsUnwanted) {
  ProcTree tree;
  for (const pid_t pid : {1, 2, 3, 4}) tree.Put({.pid = pid});
  const std::string path = tree.path();
  const auto proc = Procfs::Open(path);
  ProcessTable table(100, [] { return Instant{}; });
  table.BeginPass(*proc);
  for (const pid_t pid : {1, 2, 3, 4}) {
    ASSERT_TRUE(table.Watch(*proc->OpenProcess(pid)));
  }
  table.ForgetIf([](const auto& process) { return process.id.pid % 2 == 0; });
  EXPECT_EQ(table.processes().size(), 2U);
  EXPECT_EQ(table.open_files(), 4U);
  EXPECT_NE(table.Find(3), nullptr);
}

}  // namespace
}  // namespace resource_attribution::procfs
