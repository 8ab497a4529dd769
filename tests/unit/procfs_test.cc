#include "procfs/procfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

using testing::Contains;
using testing::UnorderedElementsAre;

std::vector<pid_t> PidsOf(const Procfs& proc) {
  std::vector<pid_t> pids;
  EXPECT_TRUE(proc.ForEachProcess([&pids](pid_t pid) { pids.push_back(pid); }));
  return pids;
}

TEST(Procfs, ListsProcessesAndNothingElse) {
  ProcTree tree;
  tree.Put({.pid = 1});
  tree.Put({.pid = 4194304});
  tree.SetSelf(1);
  Write(tree.path() + "/uptime", "1 1\n");
  Write(tree.path() + "/7z", "");
  Write(tree.path() + "/0", "");
  const std::string path = tree.path();
  const auto proc = Procfs::Open(path);
  ASSERT_TRUE(proc);
  EXPECT_THAT(PidsOf(*proc), UnorderedElementsAre(1, 4194304));
}

TEST(Procfs, ListsAgainFromTheBeginning) {
  ProcTree tree;
  tree.Put({.pid = 1});
  const std::string path = tree.path();
  const auto proc = Procfs::Open(path);
  ASSERT_TRUE(proc);
  EXPECT_THAT(PidsOf(*proc), UnorderedElementsAre(1));
  tree.Put({.pid = 2});
  EXPECT_THAT(PidsOf(*proc), UnorderedElementsAre(1, 2));
}

TEST(Procfs, TheRealOneShowsThisProcess) {
  const std::string path = "/proc";
  const auto proc = Procfs::Open(path);
  ASSERT_TRUE(proc);
  EXPECT_THAT(PidsOf(*proc), Contains(getpid()));
  EXPECT_EQ(proc->Self(), getpid());
}

TEST(Procfs, NotThereIsAnErrorThatNamesIt) {
  const std::string path = "/nowhere/proc";
  const auto proc = Procfs::Open(path);
  ASSERT_FALSE(proc);
  EXPECT_EQ(proc.error().Message(), "/nowhere/proc: No such file or directory");
}

TEST(Procfs, EmptyMountPointIsAnError) {
  TemporaryDirectory directory;
  const std::string path = directory.path();
  const auto proc = Procfs::Open(path);
  ASSERT_FALSE(proc);
  EXPECT_EQ(proc.error().Message(), path + ": expected a procfs mounted there");
}

TEST(Procfs, SelfThatIsNoProcessIsAnError) {
  TemporaryDirectory directory;
  std::filesystem::create_symlink("me", directory.path() / "self");
  const std::string path = directory.path();
  const auto proc = Procfs::Open(path);
  ASSERT_TRUE(proc);
  const auto self = proc->Self();
  ASSERT_FALSE(self);
  EXPECT_EQ(self.error().Message(), "/proc/self: expected a process ID");
}

}  // namespace
}  // namespace resource_attribution::procfs
