#include "discovery/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proc_tree.h"

namespace resource_attribution::discovery {
namespace {

using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DiscoveryTest : public testing::Test {
 protected:
  // The PIDs that match each of the blocks.
  std::vector<std::vector<pid_t>> Find() {
    Discover();
    std::vector<std::vector<pid_t>> pids(blocks_.size());
    for (const Match& match : discovery_->matches()) {
      pids[match.block].push_back(match.pid);
    }
    return pids;
  }

  procfs::Result<void> Discover() {
    if (!discovery_) {
      std::vector<Target> targets;
      for (const Selectors& block : blocks_) {
        const std::string name =
            name_.empty() ? "block " + std::to_string(targets.size()) : name_;
        targets.push_back({name, &block, max_instances_});
      }
      discovery_.emplace(targets, tree_.path() + "/self/mounts");
    }
    now_ += std::chrono::seconds(1);
    table_.BeginPass(*proc_);
    return discovery_->Find(*proc_, now_, table_);
  }

  procfs::Result<void> DiscoverWithoutDescriptors() {
    EXPECT_TRUE(Discover());
    const NoDescriptors none;
    return Discover();
  }

  ProcTree tree_;
  TemporaryDirectory files_;
  std::vector<Selectors> blocks_;
  std::string name_;
  size_t max_instances_ = 256;
  std::optional<Discovery> discovery_;
  const std::string proc_path_ = tree_.path();
  procfs::Result<procfs::Procfs> proc_ = procfs::Procfs::Open(proc_path_);
  steady_clock::time_point now_;
  // No file is kept: those of a tree that is removed could still be read.
  procfs::ProcessTable table_{0, [] { return procfs::Instant{}; }};
};

Selectors WithName(const std::string& name) {
  Selectors selectors;
  selectors.names = {name};
  return selectors;
}

Selectors WithPidFile(const std::string& path) {
  Selectors selectors;
  selectors.pid_files = {path};
  return selectors;
}

// The captured processes: odd names, a rewritten title, a zombie, kernel
// threads.
TEST_F(DiscoveryTest, FindsItsWayAboutARealTree) {
  Selectors odd_name = WithName("a) R 1 (b");
  Selectors line_break = WithName("line");
  Selectors rewritten;
  rewritten.command_lines.push_back(
      CompileExpression("^postgres: checkpointer"));
  rewritten.executables = {"/usr/bin/sleep"};
  Selectors zombie = WithName("python3");
  Selectors kernel_thread = WithName("kworker/R-rcu_gp");
  Selectors self;
  self.self = true;
  std::vector<Target> targets;
  for (const Selectors* selectors :
       {&odd_name, &line_break, &rewritten, &zombie, &kernel_thread, &self}) {
    targets.push_back({std::to_string(targets.size()), selectors, 1});
  }
  Discovery discovery(targets, "/nowhere");
  const std::string path = FIXTURES "/proc";
  const auto proc = procfs::Procfs::Open(path);
  ASSERT_TRUE(proc);
  table_.BeginPass(*proc);
  ASSERT_TRUE(discovery.Find(*proc, now_, table_));
  EXPECT_THAT(discovery.matches(),
              ElementsAre(Match{4, 4, 4}, Match{100, 0, 0}, Match{100, 5, 5},
                          Match{102, 2, 2}));
  EXPECT_EQ(table_.Find(4)->id, (procfs::ProcessId{4, 24}));
  EXPECT_EQ(table_.Find(100)->id, (procfs::ProcessId{100, 201629}));
  EXPECT_EQ(table_.processes().size(), 3U);
}

TEST_F(DiscoveryTest, ProblemWithAProcessIsOnlyThatOfItsBlocks) {
  tree_.Put({.pid = 1, .comm = "a"});
  Write(tree_.path() + "/1/stat", "1 (a) S");
  blocks_.push_back(WithName("a"));
  blocks_.push_back(WithName("b"));
  Find();
  EXPECT_NE(discovery_->Problem(0), "");
  EXPECT_EQ(discovery_->Problem(1), "");
}

TEST_F(DiscoveryTest, NameIsTheCommandName) {
  tree_.Put({.pid = 5, .comm = "nginx"});
  tree_.Put({.pid = 6, .comm = "nginx-exporter"});
  tree_.Put({.pid = 4, .comm = "nginx"});
  blocks_.push_back(WithName("nginx"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(4, 5)));
}

TEST_F(DiscoveryTest, LongNameIsThatOfTheExecutableOrOfArgv0) {
  const std::string cut = "prometheus-proc";
  tree_.Put(
      {.pid = 1, .comm = cut, .exe = "/usr/bin/prometheus-process-exporter"});
  tree_.Put({.pid = 2,
             .comm = cut,
             .cmdline = std::string("/opt/prometheus-process-exporter\0", 34),
             .exe = "/usr/bin/python3"});
  tree_.Put(
      {.pid = 3, .comm = cut, .exe = "/usr/bin/prometheus-process-other"});
  tree_.Put(
      {.pid = 4, .comm = "python3", .exe = "/bin/prometheus-process-exporter"});
  blocks_.push_back(WithName("prometheus-process-exporter"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1, 2)));
}

// The kernel shows more than 15 bytes of its own threads' names.
TEST_F(DiscoveryTest, LongNameOfAKernelThreadMatchesAsItIs) {
  tree_.Put({.pid = 4, .comm = "kworker/R-rcu_gp", .exe = ""});
  blocks_.push_back(WithName("kworker/R-rcu_gp"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(4)));
}

TEST_F(DiscoveryTest, ExecutableMatchesAfterAnUpgradeToo) {
  tree_.Put({.pid = 1, .exe = "/usr/sbin/nginx"});
  tree_.Put({.pid = 2, .exe = "/usr/sbin/nginx (deleted)"});
  tree_.Put({.pid = 3, .exe = "/usr/local/sbin/nginx"});
  tree_.Put({.pid = 4, .exe = ""});
  Selectors selectors;
  selectors.executables = {"/usr/sbin/nginx"};
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1, 2)));
  EXPECT_EQ(discovery_->Problem(0), "");
}

TEST_F(DiscoveryTest, CommandLineIsSearched) {
  tree_.Put({.pid = 1, .cmdline = std::string("java\0-jar\0a.jar\0", 16)});
  tree_.Put({.pid = 2, .cmdline = std::string("java\0-jar\0b.jar\0", 16)});
  Selectors selectors;
  selectors.command_lines.push_back(CompileExpression("^java .*b\\.jar$"));
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(2)));
}

TEST_F(DiscoveryTest, UserIsTheEffectiveOneByNameOrNumber) {
  tree_.Put({.pid = 1, .effective_user = 0});
  tree_.Put({.pid = 2, .effective_user = 4243});
  Selectors by_name;
  by_name.users = {"root", "no-such-user-here"};
  Selectors by_number;
  by_number.users = {"4243"};
  blocks_.push_back(std::move(by_name));
  blocks_.push_back(std::move(by_number));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1), ElementsAre(2)));
}

TEST_F(DiscoveryTest, SelfIsTheProcessThatLooks) {
  tree_.Put({.pid = 30});
  tree_.Put({.pid = 31});
  tree_.SetSelf(31);
  Selectors selectors;
  selectors.self = true;
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(31)));
}

TEST_F(DiscoveryTest, PidFileNamesItsProcess) {
  tree_.Put({.pid = 30});
  tree_.Put({.pid = 31});
  const std::string path = files_.path() / "x.pid";
  blocks_.push_back(WithPidFile(path));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0), "");  // it may come later
  Write(path, "30\n");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(30)));
  Write(path, "31\n");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(31)));
  Write(path, "32\n");  // stale
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0), "");
}

TEST_F(DiscoveryTest, PidFileWithoutAPidIsAProblem) {
  const std::string path = files_.path() / "x.pid";
  Write(path, "thirty");
  tree_.Put({.pid = 30});
  blocks_.push_back(WithPidFile(path));
  blocks_.push_back(WithName("fake"));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty(), ElementsAre(30)));
  EXPECT_THAT(discovery_->Problem(0), HasSubstr(path));
  EXPECT_EQ(discovery_->Problem(1), "");
  Write(path, "30");
  Find();
  EXPECT_EQ(discovery_->Problem(0), "");
}

// A thread's directory can be opened, although it is not listed.
TEST_F(DiscoveryTest, PidFileThatNamesAThreadIsAProblem) {
  const std::string path = files_.path() / "x.pid";
  Write(path, "30");
  tree_.Put({.pid = 30, .thread_group = 29});
  blocks_.push_back(WithPidFile(path));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0),
            "PID file: expected a process, not a thread");
}

TEST_F(DiscoveryTest, OneKindTwiceMeansEither) {
  tree_.Put({.pid = 1, .comm = "a"});
  tree_.Put({.pid = 2, .comm = "b"});
  tree_.Put({.pid = 3, .comm = "c"});
  Selectors selectors;
  selectors.names = {"a", "b"};
  blocks_.push_back(std::move(selectors));
  Write(files_.path() / "1.pid", "1");
  Write(files_.path() / "3.pid", "3");
  Selectors files;
  files.pid_files = {files_.path() / "1.pid", files_.path() / "3.pid"};
  blocks_.push_back(std::move(files));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1, 2), ElementsAre(1, 3)));
}

TEST_F(DiscoveryTest, DifferentKindsMustAllHold) {
  tree_.Put({.pid = 1, .comm = "java", .effective_user = 5});
  tree_.Put({.pid = 2, .comm = "java", .effective_user = 6});
  tree_.Put({.pid = 3, .comm = "perl", .effective_user = 5});
  Selectors selectors = WithName("java");
  selectors.users = {"5"};
  blocks_.push_back(std::move(selectors));
  // Guards against a stale PID file whose number somebody else got.
  Write(files_.path() / "x.pid", "3");
  Selectors guarded = WithPidFile(files_.path() / "x.pid");
  guarded.names = {"java"};
  blocks_.push_back(std::move(guarded));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1), IsEmpty()));
}

TEST_F(DiscoveryTest, CommandLineCountsBesideExecutable) {
  tree_.Put({.pid = 1, .cmdline = std::string("java\0a.jar\0", 11)});
  tree_.Put({.pid = 2, .cmdline = std::string("java\0b.jar\0", 11)});
  Selectors selectors;
  selectors.executables = {"/usr/bin/fake"};
  selectors.command_lines.push_back(CompileExpression("b\\.jar"));
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(2)));
}

TEST_F(DiscoveryTest, UserThatIsNotSaidIsNobody) {
  tree_.Put({.pid = 1});
  Write(tree_.path() + "/1/status", "Name:\tfake\nTgid:\t1\n");
  Selectors selectors;
  selectors.users = {"0", "no-such-user-here"};
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
}

TEST_F(DiscoveryTest, OnePidInTwoFilesCountsOnce) {
  tree_.Put({.pid = 1});
  Write(files_.path() / "1.pid", "1");
  Write(files_.path() / "2.pid", "1");
  Selectors selectors;
  selectors.pid_files = {files_.path() / "1.pid", files_.path() / "2.pid"};
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1)));
}

TEST_F(DiscoveryTest, SelfAndPidFileMustBothHold) {
  tree_.Put({.pid = 1});
  tree_.Put({.pid = 2});
  tree_.SetSelf(1);
  Write(files_.path() / "x.pid", "2");
  Selectors selectors = WithPidFile(files_.path() / "x.pid");
  selectors.self = true;
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  Write(files_.path() / "x.pid", "1");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1)));
}

TEST_F(DiscoveryTest, ProcessMayBelongToSeveralBlocks) {
  tree_.Put({.pid = 1, .comm = "a", .start_time = 77});
  blocks_.push_back(WithName("a"));
  Write(files_.path() / "x.pid", "1");
  blocks_.push_back(WithPidFile(files_.path() / "x.pid"));
  ASSERT_TRUE(Discover());
  EXPECT_THAT(discovery_->matches(),
              ElementsAre(Match{1, 0, 0}, Match{1, 1, 1}));
}

TEST_F(DiscoveryTest, ZombieCountsAsGone) {
  tree_.Put({.pid = 1, .comm = "a", .state = 'Z'});
  blocks_.push_back(WithName("a"));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
}

TEST_F(DiscoveryTest, ProcessThatEndsWhileItIsLookedAtIsNoProblem) {
  tree_.Put({.pid = 1, .comm = "a"});
  std::filesystem::remove(tree_.path() + "/1/stat");
  tree_.Put({.pid = 2, .comm = "a"});
  std::filesystem::remove(tree_.path() + "/2/comm");
  blocks_.push_back(WithName("a"));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0), "");
}

TEST_F(DiscoveryTest, ProcessThatMakesNoSenseIsLeftOutAndSaid) {
  tree_.Put({.pid = 1, .comm = "a"});
  Write(tree_.path() + "/1/stat", "1 (a) S");
  tree_.Put({.pid = 2, .comm = "a"});
  blocks_.push_back(WithName("a"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(2)));
  EXPECT_EQ(discovery_->Problem(0),
            "/proc/PID/stat: expected a state letter (field 3)");
}

TEST_F(DiscoveryTest, SelfThatCannotBeToldIsAProblem) {
  std::filesystem::remove(tree_.path() + "/self");
  std::filesystem::create_symlink("nobody", tree_.path() + "/self");
  Selectors selectors;
  selectors.self = true;
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0), "/proc/self: expected a process ID");
}

// Blocks that know their candidates cost a look at these and nothing more: no
// other process is opened, so none is read.
TEST_F(DiscoveryTest, NothingIsScannedForSelfAndPidFile) {
  tree_.Put({.pid = 1});
  tree_.Put({.pid = 2});
  Selectors selectors;
  selectors.self = true;
  blocks_.push_back(std::move(selectors));
  blocks_.push_back(WithPidFile(files_.path() / "x.pid"));
  const auto bystander = tree_.path() + "/2";
  const FileAccess access(bystander);
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1), IsEmpty()));
  EXPECT_FALSE(access.Happened());
  blocks_.push_back(WithName("fake"));
  discovery_.reset();
  EXPECT_THAT(Find(),
              ElementsAre(ElementsAre(1), IsEmpty(), ElementsAre(1, 2)));
  EXPECT_TRUE(access.Happened());
}

// Whoever is running cannot be told without descriptors: no block may look as
// if its processes were gone.
TEST_F(DiscoveryTest, OutOfDescriptorsFailsThePass) {
  tree_.Put({.pid = 1, .comm = "a"});
  blocks_.push_back(WithName("a"));
  const auto found = DiscoverWithoutDescriptors();
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().OutOfResources());
}

TEST_F(DiscoveryTest, OutOfDescriptorsForAPidFileFailsThePass) {
  Write(files_.path() / "x.pid", "1");
  tree_.Put({.pid = 1});
  blocks_.push_back(WithPidFile(files_.path() / "x.pid"));
  const auto found = DiscoverWithoutDescriptors();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().Message(),
            (files_.path() / "x.pid").string() + ": Too many open files");
}

}  // namespace
}  // namespace resource_attribution::discovery
