#include "store/process_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "child_process.h"
#include "proc_tree.h"

namespace resource_attribution::store {
namespace {

using procfs::Instant;
using procfs::ProcessId;
using procfs::Procfs;
using procfs::Result;

const std::string kProc = "/proc";

// On the real procfs, keeping the files of two processes.
class ProcessStoreTest : public testing::Test {
 protected:
  Record* Watch(pid_t pid) {
    const auto process = proc_->OpenProcess(pid);
    EXPECT_TRUE(process);
    const auto watched = store_.Watch(*process);
    EXPECT_TRUE(watched) << watched.error().Message();
    return *watched;
  }

  void BeginPass() { store_.BeginPass(*proc_); }

  Result<Procfs> proc_ = Procfs::Open(kProc);
  int looks_ = 0;
  ProcessStore store_{4, [this] {
                        ++looks_;
                        return Instant{};
                      }};
};

TEST_F(ProcessStoreTest, WatchesWhatItWasGiven) {
  BeginPass();
  Record* self = Watch(getpid());
  EXPECT_EQ(self->id.pid, getpid());
  EXPECT_EQ(self->comm, "process_store_t");
  EXPECT_EQ(self->stat.comm, self->comm);
  EXPECT_EQ(self->stat.parent, getppid());
  EXPECT_EQ(self->status.effective_user, geteuid());
  EXPECT_EQ(store_.Find(getpid()), self);
  EXPECT_EQ(store_.Find(getppid()), nullptr);
}

TEST_F(ProcessStoreTest, ReadsEachProcessOnceAPass) {
  BeginPass();
  Record* self = Watch(getpid());
  EXPECT_TRUE(store_.Read(*self));
  EXPECT_EQ(looks_, 2);  // before and after
  BeginPass();
  EXPECT_TRUE(store_.Read(*self));
  EXPECT_TRUE(store_.Read(*self));
  EXPECT_EQ(looks_, 4);
}

TEST_F(ProcessStoreTest, KeepsNoMoreFilesThanItMay) {
  ChildProcess one({[] {}});
  ChildProcess two({[] {}});
  BeginPass();
  EXPECT_TRUE(Watch(getpid())->files);
  EXPECT_TRUE(Watch(one.pid())->files);
  EXPECT_FALSE(Watch(two.pid())->files);
  store_.Forget(one.pid());
  EXPECT_TRUE(Watch(one.pid())->files);
  BeginPass();
  EXPECT_TRUE(store_.Read(*store_.Find(two.pid())));
}

TEST_F(ProcessStoreTest, DeadProcessIsGoneWithKeptFilesAndWithout) {
  ChildProcess kept({[] {}});
  ChildProcess other({[] {}});
  ChildProcess not_kept({[] {}});
  BeginPass();
  for (const auto* child : {&kept, &other, &not_kept}) Watch(child->pid());
  Record* processes[] = {store_.Find(kept.pid()), store_.Find(not_kept.pid())};
  ASSERT_TRUE(processes[0]->files);
  ASSERT_FALSE(processes[1]->files);
  kept.Kill();
  not_kept.Kill();
  BeginPass();
  for (Record* process : processes) {
    const auto read = store_.Read(*process);
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().Gone()) << read.error().Message();
  }
}

TEST_F(ProcessStoreTest, ZombieIsGone) {
  ChildProcess child({[] {}, [] { _exit(0); }});
  BeginPass();
  Record* watched = Watch(child.pid());
  child.Next();
  Result<void> read;
  do {  // until the kernel is through with it
    BeginPass();
    read = store_.Read(*watched);
  } while (read);
  EXPECT_TRUE(read.error().Gone()) << read.error().Message();
}

TEST_F(ProcessStoreTest, FollowsAnExecAndANewName) {
  ChildProcess child({[] {}, Rename("other name"), ExecuteSleep("sleep")});
  BeginPass();
  Record* watched = Watch(child.pid());
  const ProcessId id = watched->id;
  child.Next();
  BeginPass();
  EXPECT_TRUE(store_.Read(*watched));
  EXPECT_EQ(watched->comm, "other name");
  child.Next();
  BeginPass();
  EXPECT_TRUE(store_.Read(*watched));
  EXPECT_EQ(watched->comm, "sleep");
  EXPECT_EQ(watched->id, id);
}

// ThreadSanitizer's runtime does not survive a process that shares its memory.
#ifndef __SANITIZE_THREAD__
// A child of clone(2) that shares the address space of this process until it
// executes a program, like a child of vfork(2).
class SharingChild {
 public:
  SharingChild() : stack_(size_t{64} << 10) {
    pid_ = clone(Wait, stack_.data() + stack_.size(), CLONE_VM | SIGCHLD, &go_);
  }
  ~SharingChild() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  SharingChild(const SharingChild&) = delete;
  SharingChild& operator=(const SharingChild&) = delete;

  pid_t pid() const { return pid_; }

  void Execute() {
    go_ = 1;
    const std::string exe = "/proc/" + std::to_string(pid_) + "/comm";
    while (ContentOf(exe) != "sleep\n") usleep(1000);
  }

 private:
  static int Wait(void* go) {
    while (*static_cast<std::atomic<int>*>(go) == 0) usleep(1000);
    execl("/bin/sleep", "sleep", "1000", nullptr);
    _exit(1);
  }

  std::atomic<int> go_ = 0;
  std::vector<char> stack_;
  pid_t pid_ = -1;
};

TEST_F(ProcessStoreTest, ChildSharesMemoryUntilItExecutes) {
  SharingChild child;
  BeginPass();
  Record* watched = Watch(child.pid());
  EXPECT_TRUE(watched->shares_memory);
  BeginPass();
  ASSERT_TRUE(store_.Read(*watched));
  EXPECT_TRUE(watched->shares_memory);
  child.Execute();
  BeginPass();
  ASSERT_TRUE(store_.Read(*watched));
  EXPECT_FALSE(watched->shares_memory);
}

#endif

TEST_F(ProcessStoreTest, ForkedWorkerHasMemoryOfItsOwn) {
  ChildProcess worker({[] {}});
  BeginPass();
  const Record* watched = Watch(worker.pid());
  EXPECT_TRUE(watched->stat.NeverExecuted());
  EXPECT_FALSE(watched->shares_memory);
  EXPECT_EQ(watched->compared_with, getpid());
}

TEST_F(ProcessStoreTest, ProcessWhoseMainThreadHasEndedIsReadFromAThread) {
  ChildProcess child({[] {},
                      [] {
                        std::thread([] { pause(); }).detach();
                        syscall(SYS_exit, 0);
                      }});
  const auto process = proc_->OpenProcess(child.pid());
  BeginPass();
  Record* kept = Watch(child.pid());
  const uint64_t resident = *kept->status.vm_rss_kb;
  child.Tell();
  do {  // until the kernel is through with it
    BeginPass();
    ASSERT_TRUE(store_.Read(*kept));
  } while (!kept->stat.OnlyLeaderEnded());
  EXPECT_GE(*kept->status.vm_rss_kb, resident);
  EXPECT_EQ(kept->status.thread_group, child.pid());

  // The other files can still be read.
  procfs::Buffer buffer;
  EXPECT_THAT(process->ReadCmdline(buffer)->joined,
              testing::HasSubstr("process_store_test"));
  EXPECT_THAT(*process->ReadExe(buffer),
              testing::EndsWith("process_store_test"));
  EXPECT_FALSE(process->ReadEnviron(buffer)->bytes.empty());
  EXPECT_FALSE(process->ReadMaps(buffer)->bytes.empty());
  EXPECT_GT(process->ReadPss(buffer).value_or(0), 0U);
  EXPECT_TRUE(process->NetworkNamespace());

  child.Kill();
  BeginPass();
  const auto read = store_.Read(*kept);
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().Gone());
}

// Without kept files only the start time shows the difference.
TEST(ProcessStore, ReusedPidIsANewProcess) {
  ProcTree tree;
  tree.Put({.pid = 5, .start_time = 1000});
  const std::string path = tree.path();
  const auto proc = Procfs::Open(path);
  for (const size_t max_open_files : {0U, 2U}) {
    tree.Put({.pid = 5, .start_time = 1000});
    ProcessStore table(max_open_files, [] { return Instant{}; });
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

TEST(ProcessStore, ForgetsWhatIsUnwanted) {
  ProcTree tree;
  for (const pid_t pid : {1, 2, 3, 4}) tree.Put({.pid = pid});
  const std::string path = tree.path();
  const auto proc = Procfs::Open(path);
  ProcessStore table(100, [] { return Instant{}; });
  table.BeginPass(*proc);
  for (const pid_t pid : {1, 2, 3, 4}) {
    ASSERT_TRUE(table.Watch(*proc->OpenProcess(pid)));
  }
  table.ForgetIf([](const auto& process) { return process.id.pid % 2 == 0; });
  EXPECT_EQ(table.records().size(), 2U);
  EXPECT_NE(table.Find(3), nullptr);
}

}  // namespace
}  // namespace resource_attribution::store
