#include "procfs/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

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

TEST_F(ProcessTest, ArgumentsStayAsTheyAre) {
  ProcTree tree;
  tree.Put({.pid = 5, .cmdline = std::string("a b\0c\0", 6)});
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  const auto process = Process::Open(root.get(), 5);
  ASSERT_TRUE(process);
  const auto arguments = process->ReadArguments(content_);
  ASSERT_TRUE(arguments);
  EXPECT_EQ(*arguments, std::string_view("a b\0c\0", 6));
}

TEST_F(ProcessTest, ReadsTheEnvironmentWithWhichAProgramWasExecuted) {
  ChildProcess child({[] {
                        clearenv();
                        setenv("COLOUR", "blue", 1);
                      },
                      ExecuteSleep("sleep")});
  child.Next();
  const auto process = Process::Open(proc_.get(), child.pid());
  ASSERT_TRUE(process);
  const auto environ = process->ReadEnviron(content_);
  ASSERT_TRUE(environ) << environ.error().Message();
  EXPECT_EQ(environ->bytes, std::string_view("COLOUR=blue\0", 12));
  EXPECT_FALSE(environ->cut);
}

TEST_F(ProcessTest, EnvironmentIsCutAt1Mebibyte) {
  ProcTree tree;
  tree.Put({.pid = 5});
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  const auto process = Process::Open(root.get(), 5);
  ASSERT_TRUE(process);
  constexpr size_t kLimit = size_t{1} << 20;
  for (const size_t size : {kLimit, kLimit + 1, 2 * kLimit}) {
    Write(tree.path() + "/5/environ", std::string(size, 'x'));
    const auto environ = process->ReadEnviron(content_);
    ASSERT_TRUE(environ) << environ.error().Message();
    EXPECT_EQ(environ->bytes.size(), kLimit);
    EXPECT_EQ(environ->cut, size > kLimit) << size;
  }
}

// The kernel gives `maps` a page at a time: here it is longer.
TEST_F(ProcessTest, ReadsAllMappedFiles) {
  std::vector<void*> mapped;
  for (int i = 0; i < 200; ++i) {
    const FileDescriptor self(open("/proc/self/exe", O_RDONLY));
    mapped.push_back(mmap(nullptr, 1, i % 2 == 0 ? PROT_READ : PROT_NONE,
                          MAP_PRIVATE, self.get(), 0));
  }
  const auto self = Process::Open(proc_.get(), getpid());
  ASSERT_TRUE(self);
  const auto maps = self->ReadMaps(content_);
  ASSERT_TRUE(maps) << maps.error().Message();
  EXPECT_FALSE(maps->cut);
  EXPECT_GT(maps->bytes.size(), 8192U);
  EXPECT_TRUE(maps->bytes.ends_with("\n"));
  EXPECT_NE(maps->bytes.find("/process_test\n"), std::string_view::npos);
  EXPECT_NE(maps->bytes.find("[stack]\n"), std::string_view::npos);
  for (void* address : mapped) munmap(address, 1);
}

TEST_F(ProcessTest, NeitherIsShownToOthers) {
  if (geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  // It reports by its exit status what it could read of this process.
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(3);
    const auto parent = Process::Open(proc_.get(), getppid());
    if (!parent) _exit(4);
    const auto environ = parent->ReadEnviron(content_);
    const auto maps = parent->ReadMaps(content_);
    _exit((environ || !environ.error().Denied() ? 1 : 0) |
          (maps || !maps.error().Denied() ? 2 : 0));
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
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

ino_t InodeOf(int fd) {
  struct stat status {};
  fstat(fd, &status);
  return status.st_ino;
}

TEST_F(ProcessTest, ListsTheSocketsAmongItsDescriptors) {
  const FileDescriptor one(socket(AF_INET, SOCK_STREAM, 0));
  const FileDescriptor other(socket(AF_UNIX, SOCK_DGRAM, 0));
  const FileDescriptor duplicate(dup(one.get()));
  std::vector<ino_t> inodes{42};
  const auto self = Process::Open(proc_.get(), getpid());
  ASSERT_TRUE(self->ListSockets(inodes));
  EXPECT_THAT(inodes, testing::Not(testing::Contains(42)));
  EXPECT_EQ(std::count(inodes.begin(), inodes.end(), InodeOf(one.get())), 2);
  EXPECT_EQ(std::count(inodes.begin(), inodes.end(), InodeOf(other.get())), 1);
  const size_t listed = inodes.size();
  ASSERT_TRUE(Process::Glance(proc_.get(), getpid()).ListSockets(inodes));
  EXPECT_EQ(inodes.size(), listed);
}

TEST_F(ProcessTest, DescriptorsThatAreNoSocketsAreNotListed) {
  ProcTree tree;
  const std::filesystem::path fds = tree.path() + "/5/fd";
  std::filesystem::create_directories(fds);
  int fd = 0;
  for (const char* target :
       {"/dev/null", "socket:[17]", "pipe:[18]", "socket:[", "socket:[]",
        "socket:[19", "socket:[x]", "socket:[20] (deleted)",
        "socket:[99999999999999999999999]", "anon_inode:[eventpoll]"}) {
    std::filesystem::create_symlink(target, fds / std::to_string(fd++));
  }
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  std::vector<ino_t> inodes;
  ASSERT_TRUE(Process::Glance(root.get(), 5).ListSockets(inodes));
  EXPECT_THAT(inodes, testing::ElementsAre(17));
}

TEST_F(ProcessTest, TargetsOfSomeDescriptorsAreShown) {
  ProcTree tree;
  const std::filesystem::path fds = tree.path() + "/5/fd";
  std::filesystem::create_directories(fds);
  const std::string path = "/" + std::string(1000, 'p');
  for (int fd = 0; fd < 10; ++fd) {
    std::filesystem::create_symlink(path, fds / std::to_string(fd));
  }
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (const size_t most : {size_t{0}, size_t{3}, size_t{10}, size_t{11}}) {
    std::vector<std::string> shown;
    ASSERT_TRUE(Process::Glance(root.get(), 5)
                    .ForEachDescriptor(most, [&](std::string_view target) {
                      shown.emplace_back(target);
                    }));
    EXPECT_EQ(shown,
              std::vector<std::string>(std::min(most, size_t{10}), path));
  }
}

TEST_F(ProcessTest, ProgramIsReadWhereItIsAsked) {
  const auto self = Process::Open(proc_.get(), getpid());
  const auto program = self->OpenExe();
  ASSERT_TRUE(program) << program.error().Message();
  const std::string content = ContentOf("/proc/self/exe");
  EXPECT_EQ(program->size, content.size());
  const ByteSource bytes = program->Bytes();
  std::string piece(100, '\0');
  ASSERT_TRUE(bytes.read(1000, piece));
  EXPECT_EQ(piece, content.substr(1000, 100));
  EXPECT_FALSE(bytes.read(content.size() - 50, piece));
  EXPECT_FALSE(bytes.read(UINT64_MAX, piece));
  EXPECT_EQ(self->OpenExe()->identity, program->identity);
}

TEST_F(ProcessTest, ProgramThatIsNoRegularFileIsNotRead) {
  ProcTree tree;
  const auto fifo = std::filesystem::path(tree.path()) / "fifo";
  tree.Put({.pid = 5, .exe = tree.path()});
  tree.Put({.pid = 6, .exe = fifo});
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  EXPECT_EQ(Process::Glance(root.get(), 5).OpenExe().error().system_error,
            EINVAL);
  EXPECT_EQ(Process::Glance(root.get(), 6).OpenExe().error().system_error,
            EINVAL);
  tree.Put({.pid = 5, .exe = "/bin/sleep"});
  EXPECT_TRUE(Process::Glance(root.get(), 5).OpenExe());
  EXPECT_TRUE(Process::Glance(root.get(), 7).OpenExe().error().Gone());
}

TEST_F(ProcessTest, ThreadHasANameOfItsOwn) {
  ProcTree tree;
  tree.Put({.pid = 5, .threads = {{.tid = 8, .comm = "worker"}}});
  const FileDescriptor root(open(tree.path().c_str(), O_RDONLY | O_DIRECTORY));
  EXPECT_EQ(Process::Glance(root.get(), 5).ReadThreadComm(8, content_),
            "worker");
}

// The kernel refuses to show a path of more than a page: ENAMETOOLONG.
TEST_F(ProcessTest, LongPathOfADescriptorHidesNoSocket) {
  const TemporaryDirectory directory;
  const std::string part(200, 'd');
  FileDescriptor deep(open(directory.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (int depth = 0; depth < 25; ++depth) {
    ASSERT_EQ(mkdirat(deep.get(), part.c_str(), 0700), 0);
    deep = FileDescriptor(
        openat(deep.get(), part.c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_GE(deep.get(), 0);
  }
  const FileDescriptor one(socket(AF_INET, SOCK_STREAM, 0));
  std::vector<ino_t> inodes;
  const auto listed =
      Process::Glance(proc_.get(), getpid()).ListSockets(inodes);
  ASSERT_TRUE(listed) << listed.error().Message();
  EXPECT_THAT(inodes, testing::Contains(InodeOf(one.get())));
}

TEST_F(ProcessTest, SocketsOfADeadProcessAreGone) {
  std::vector<ino_t> inodes;
  ChildProcess child({[] {}});
  const auto process = Process::Open(proc_.get(), child.pid());
  ASSERT_TRUE(process->ListSockets(inodes));
  child.Kill();
  const auto listed = process->ListSockets(inodes);
  ASSERT_FALSE(listed);
  EXPECT_TRUE(listed.error().Gone()) << listed.error().Message();
}

TEST_F(ProcessTest, SocketsAndNamespaceOfOthersAreDenied) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ChildProcess other({[] {}});
  EXPECT_TRUE(HoldsInChild([&] {
    BecomeUser(4242)();
    const auto process = Process::Glance(proc_.get(), other.pid());
    std::vector<ino_t> inodes;
    const auto listed = process.ListSockets(inodes);
    const auto its_namespace = process.NetworkNamespace();
    return !listed && listed.error().Denied() && !its_namespace &&
           its_namespace.error().Denied();
  }));
}

TEST_F(ProcessTest, ProcessesOfOneNetworkNamespaceHaveOneNumber) {
  if (!CanUnshare(CLONE_NEWNET)) GTEST_SKIP() << "needs network namespaces";
  ChildProcess child({[] {},
                      [] {
                        if (unshare(CLONE_NEWNET) != 0) _exit(1);
                      }});
  const auto self = Process::Open(proc_.get(), getpid())->NetworkNamespace();
  ASSERT_TRUE(self) << self.error().Message();
  const auto process = Process::Open(proc_.get(), child.pid());
  EXPECT_EQ(process->NetworkNamespace().value_or(0), *self);
  child.Next();
  const auto apart = process->NetworkNamespace();
  ASSERT_TRUE(apart) << apart.error().Message();
  EXPECT_NE(*apart, *self);
}

}  // namespace
}  // namespace resource_attribution::procfs
