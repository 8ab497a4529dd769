#include "discovery/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "child_process.h"
#include "proc_tree.h"
#include "procfs/pass_failed.h"

namespace resource_attribution::discovery {
namespace {

using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class DiscoveryTest : public testing::Test {
 protected:
  // The PIDs that match each of the blocks.
  std::vector<std::vector<pid_t>> Find() {
    EXPECT_TRUE(Discover());
    std::vector<std::vector<pid_t>> pids(blocks_.size());
    for (const Match& match : discovery_->matches()) {
      pids[match.service].push_back(match.pid);
    }
    return pids;
  }

  procfs::Result<void> Discover() {
    if (!discovery_) {
      std::vector<Target> targets;
      for (const Selectors& block : blocks_) {
        const std::string name =
            name_.empty() ? "block " + std::to_string(targets.size()) : name_;
        targets.push_back(
            {name, &block, max_instances_, untraced_ ? &*untraced_ : nullptr});
      }
      discovery_.emplace(targets, tree_.path() + "/self/mounts");
    }
    now_ += std::chrono::seconds(1);
    table_.BeginPass(*proc_);
    try {
      discovery_->Find(*proc_, now_, table_);
    } catch (const procfs::PassFailed& failed) {
      return tl::unexpected(failed.error());
    }
    return {};
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
  std::optional<Selectors> untraced_;  // of every block
  std::optional<Discovery> discovery_;
  const std::string proc_path_ = tree_.path();
  procfs::Result<procfs::Procfs> proc_ = procfs::Procfs::Open(proc_path_);
  steady_clock::time_point now_;
  // No file is kept: those of a tree that is removed could still be read.
  store::ProcessStore table_{0, [] { return procfs::Instant{}; }};
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
  discovery.Find(*proc, now_, table_);
  EXPECT_THAT(discovery.matches(),
              ElementsAre(Match{4, 4, 4}, Match{100, 0, 0}, Match{100, 5, 5},
                          Match{102, 2, 2}));
  EXPECT_EQ(table_.Find(4)->id, (procfs::ProcessId{4, 24}));
  EXPECT_EQ(table_.Find(100)->id, (procfs::ProcessId{100, 201629}));
  EXPECT_EQ(table_.records().size(), 3U);
}

TEST_F(DiscoveryTest, ProblemWithAProcessIsOnlyThatOfItsBlocks) {
  tree_.Put({.pid = 1, .comm = "a"});
  Write(tree_.path() + "/1/stat", "1 (a) S");
  blocks_.push_back(WithName("a"));
  blocks_.push_back(WithName("b"));
  Find();
  EXPECT_NE(discovery_->Problem(0).text, "");
  EXPECT_EQ(discovery_->Problem(1).text, "");
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

// What the kernel executes for `#!/usr/bin/python3 -u`.
TEST_F(DiscoveryTest, LongNameIsThatOfAScriptToo) {
  using namespace std::string_literals;
  const std::string cut = "networkd-dispat";
  const auto put = [&](pid_t pid, const std::string& cmdline) {
    tree_.Put({.pid = pid,
               .comm = cut,
               .cmdline = cmdline,
               .exe = "/usr/bin/python3.11"});
  };
  put(1, "/usr/bin/python3\0/usr/bin/networkd-dispatcher\0"s);
  put(2, "/usr/bin/python3\0-u\0/usr/bin/networkd-dispatcher\0--x\0"s);
  put(3, "/usr/bin/python3\0/usr/bin/networkd-dispatcher-other\0"s);
  blocks_.push_back(WithName("networkd-dispatcher"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(1, 2)));
}

TEST_F(DiscoveryTest, KernelThreadBelongsOnlyWhereItsNameSaysSo) {
  tree_.Put({.pid = 2,
             .comm = "kthreadd",
             .flags = 0x208040,
             .has_memory = false,
             .cmdline = "",
             .exe = ""});
  tree_.Put({.pid = 5, .comm = "service"});
  Selectors by_user;
  by_user.users = {"0"};
  Selectors by_name = WithName("kthreadd");
  by_name.users = {"0"};
  blocks_.push_back(std::move(by_user));
  blocks_.push_back(std::move(by_name));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(5), ElementsAre(2)));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(5), ElementsAre(2)));
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
  EXPECT_EQ(discovery_->Problem(0).text, "");
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
  EXPECT_EQ(discovery_->Problem(0).text, "");  // it may come later
  Write(path, "30\n");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(30)));
  Write(path, "31\n");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(31)));
  Write(path, "32\n");  // stale
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0).text, "");
}

TEST_F(DiscoveryTest, PidFileWithoutAPidIsAProblem) {
  const std::string path = files_.path() / "x.pid";
  Write(path, "thirty");
  tree_.Put({.pid = 30});
  blocks_.push_back(WithPidFile(path));
  blocks_.push_back(WithName("fake"));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty(), ElementsAre(30)));
  EXPECT_THAT(discovery_->Problem(0).text, HasSubstr(path));
  EXPECT_EQ(discovery_->Problem(1).text, "");
  Write(path, "30");
  Find();
  EXPECT_EQ(discovery_->Problem(0).text, "");
}

// A thread's directory can be opened, although it is not listed.
TEST_F(DiscoveryTest, PidFileThatNamesAThreadIsAProblem) {
  const std::string path = files_.path() / "x.pid";
  Write(path, "30");
  tree_.Put({.pid = 30, .thread_group = 29});
  blocks_.push_back(WithPidFile(path));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0).text,
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
  // Guards against a stale PID file whose number another process got.
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

TEST_F(DiscoveryTest, UserThatIsNotSaidMatchesNoUser) {
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
  EXPECT_EQ(discovery_->Problem(0).text, "");
}

TEST_F(DiscoveryTest, ProcessThatMakesNoSenseIsLeftOutAndSaid) {
  tree_.Put({.pid = 1, .comm = "a"});
  Write(tree_.path() + "/1/stat", "1 (a) S");
  tree_.Put({.pid = 2, .comm = "a"});
  blocks_.push_back(WithName("a"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(2)));
  EXPECT_EQ(discovery_->Problem(0).text,
            "/proc/PID/stat: expected a state letter (field 3)");
}

TEST_F(DiscoveryTest, SelfThatCannotBeToldIsAProblem) {
  std::filesystem::remove(tree_.path() + "/self");
  std::filesystem::create_symlink("nobody", tree_.path() + "/self");
  Selectors selectors;
  selectors.self = true;
  blocks_.push_back(std::move(selectors));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_EQ(discovery_->Problem(0).text, "/proc/self: expected a process ID");
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

// Without descriptors it is unknown which processes run: no block may look as
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

// A shell wrapper, what it starts, and what that starts; and a bystander.
class DescendantsTest : public DiscoveryTest {
 protected:
  DescendantsTest() {
    tree_.Put({.pid = 10, .comm = "wrapper"});
    tree_.Put({.pid = 11, .comm = "app", .parent = 10});
    tree_.Put({.pid = 9, .comm = "worker", .parent = 11});
    tree_.Put({.pid = 12, .comm = "bystander"});
    Selectors selectors = WithName("wrapper");
    selectors.include_children = true;
    blocks_.push_back(std::move(selectors));
  }
};

TEST_F(DescendantsTest, BelongToTheBlockTheirAncestorMatches) {
  blocks_.push_back(WithName("wrapper"));
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(9, 10, 11), ElementsAre(10)));
}

TEST_F(DescendantsTest, OnlyAsLongAsTheirParentsLeadToIt) {
  Find();
  tree_.Remove(11);
  tree_.Put({.pid = 9, .comm = "worker", .parent = 1});
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(10)));
}

TEST_F(DescendantsTest, OfAListedProcessAreFoundToo) {
  Write(files_.path() / "x.pid", "10");
  blocks_.clear();
  blocks_.push_back(WithPidFile(files_.path() / "x.pid"));
  blocks_[0].include_children = true;
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(9, 10, 11)));
}

TEST_F(DescendantsTest, MatchingThemselvesCountOnce) {
  tree_.Put({.pid = 11, .comm = "wrapper", .parent = 10});
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(9, 10, 11)));
  ASSERT_EQ(discovery_->matches().size(), 3U);
  EXPECT_TRUE(discovery_->matches()[0].inherited);
  EXPECT_FALSE(discovery_->matches()[2].inherited);
}

TEST_F(DescendantsTest, BelongToTheInstanceOfTheirAncestor) {
  name_ = "of ${comm}";
  Find();
  ASSERT_EQ(discovery_->matches().size(), 3U);
  for (const Match& match : discovery_->matches()) {
    EXPECT_EQ(discovery_->series()[match.series].name, "of wrapper");
  }
}

// PIDs that are reused while they are read could make a circle.
TEST_F(DescendantsTest, CircleOfParentsEnds) {
  tree_.Put({.pid = 10, .comm = "wrapper", .parent = 9});
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(9, 10, 11)));
}

TEST_F(DescendantsTest, ZombiesAreNone) {
  tree_.Put({.pid = 11, .comm = "app", .state = 'Z', .parent = 10});
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(10)));
}

class PlaceholderTest : public DiscoveryTest {
 protected:
  // The instances that have processes, and how many each.
  std::map<std::string, int> Instances() {
    EXPECT_TRUE(Discover());
    std::map<std::string, int> instances;
    for (const Match& match : discovery_->matches()) {
      ++instances[discovery_->series()[match.series].name];
    }
    return instances;
  }

  static Selectors Everything() {
    Selectors selectors;
    selectors.users = {"0"};
    return selectors;
  }
};

TEST_F(PlaceholderTest, EachNameIsAnInstance) {
  name_ = "app ${comm}";
  tree_.Put({.pid = 1, .comm = "a"});
  tree_.Put({.pid = 2, .comm = "b"});
  tree_.Put({.pid = 3, .comm = "a"});
  blocks_.push_back(Everything());
  EXPECT_THAT(Instances(), ElementsAre(Pair("app a", 2), Pair("app b", 1)));
}

TEST_F(PlaceholderTest, ProcessesThatSwapNamesSwapInstances) {
  name_ = "${comm}";
  tree_.Put({.pid = 1, .comm = "a"});
  tree_.Put({.pid = 2, .comm = "b"});
  blocks_.push_back(Everything());
  Instances();
  const auto instance_of = [this](size_t index) {
    return discovery_->series()[discovery_->matches()[index].series].name;
  };
  EXPECT_EQ(instance_of(0), "a");
  tree_.Put({.pid = 1, .comm = "b"});
  tree_.Put({.pid = 2, .comm = "a"});
  Instances();
  EXPECT_EQ(instance_of(0), "b");
  EXPECT_EQ(instance_of(1), "a");
}

TEST_F(PlaceholderTest, NamesBeyondTheBoundAreLeftOutAndCounted) {
  name_ = "${comm}";
  max_instances_ = 2;
  for (const pid_t pid : {1, 2, 3, 4}) {
    tree_.Put({.pid = pid, .comm = "name" + std::to_string(pid)});
  }
  blocks_.push_back(Everything());
  const auto instances = Instances();
  EXPECT_EQ(instances.size(), 2U);
  EXPECT_EQ(discovery_->Refused(0), 2U);
  const std::string known = instances.begin()->first;
  tree_.Put({.pid = 5, .comm = known});
  EXPECT_EQ(Instances()[known], 2);
}

TEST_F(PlaceholderTest, NameOfAnotherBlockIsAProblem) {
  tree_.Put({.pid = 1, .comm = "checkout"});
  tree_.Put({.pid = 2, .comm = "other"});
  const Selectors everything = Everything();
  const Selectors checkout = WithName("checkout");
  discovery_.emplace(std::vector<Target>{{"checkout", &checkout, 9},
                                         {"${comm}", &everything, 9}},
                     "/nowhere");
  EXPECT_THAT(Instances(), ElementsAre(Pair("checkout", 1), Pair("other", 1)));
  EXPECT_EQ(discovery_->Problem(1).text,
            "\"checkout\" is left out: block \"checkout\" "
            "has the better claim to the name");
}

// Cgroups in a directory tree that looks like the kernel's.
class ListedTest : public DiscoveryTest {
 protected:
  ListedTest() {
    const auto root = files_.path() / "cgroup";
    for (const char* unit : {"a.service", "b.service"}) {
      std::filesystem::create_directories(root / "system.slice" / unit);
    }
    tree_.Put({.pid = 1});
    Write(tree_.path() + "/1/mounts",
          "cgroup2 " + root.string() + " cgroup2 rw 0 0\n");
    Move("a.service", "10\n11\n");
    Move("b.service", "12\n");
    for (const pid_t pid : {10, 11, 12, 13}) tree_.Put({.pid = pid});
  }

  void Move(const std::string& unit, const std::string& pids) {
    Write(files_.path() / "cgroup" / "system.slice" / unit / "cgroup.procs",
          pids);
  }

  static Selectors WithUnit(const std::string& unit) {
    Selectors selectors;
    selectors.systemd_units = {unit};
    return selectors;
  }
};

TEST_F(ListedTest, CgroupsAndUnitsAreNotScanned) {
  Selectors cgroup;
  cgroup.cgroups = {SplitCgroupPath("system.slice/b.service")};
  blocks_.push_back(WithUnit("a.service"));
  blocks_.push_back(std::move(cgroup));
  const FileAccess access(tree_.path() + "/13");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(10, 11), ElementsAre(12)));
  EXPECT_FALSE(access.Happened());
  EXPECT_FALSE(discovery_->Searches());
}

TEST_F(ListedTest, EveryKindOfListMustHold) {
  Selectors selectors = WithUnit("*.service");
  selectors.pid_files = {files_.path() / "x.pid"};
  blocks_.push_back(std::move(selectors));
  Write(files_.path() / "x.pid", "13");
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  Write(files_.path() / "x.pid", "11");
  EXPECT_THAT(Find(), ElementsAre(ElementsAre(11)));
}

// No event tells that a process moves to another cgroup.
TEST_F(ListedTest, UntracedUnitIsListedInEachPass) {
  blocks_.push_back(WithUnit("*.service"));
  untraced_ = WithUnit("b.service");
  const auto untraced = [this] {
    EXPECT_TRUE(Discover());
    std::vector<pid_t> pids;
    for (const Match& match : discovery_->matches()) {
      if (match.untraced) pids.push_back(match.pid);
    }
    return pids;
  };
  EXPECT_THAT(untraced(), ElementsAre(12));
  Move("a.service", "11\n");
  Move("b.service", "10\n12\n");
  EXPECT_THAT(untraced(), ElementsAre(10, 12));
}

TEST_F(ListedTest, ProcessThatMovesGoesToTheInstanceOfItsUnit) {
  name_ = "${unit}";
  blocks_.push_back(WithUnit("*.service"));
  const auto unit_of_10 = [this] {
    EXPECT_TRUE(Discover());
    const Match& first = discovery_->matches().at(0);
    return discovery_->series()[first.series].name;
  };
  EXPECT_EQ(unit_of_10(), "a.service");
  Move("a.service", "11\n");
  Move("b.service", "10\n12\n");
  EXPECT_EQ(unit_of_10(), "b.service");
}

TEST_F(ListedTest, HostWithoutCgroupsIsSaid) {
  Write(tree_.path() + "/1/mounts", "");
  blocks_.push_back(WithUnit("a.service"));
  EXPECT_THAT(Find(), ElementsAre(IsEmpty()));
  EXPECT_THAT(discovery_->Problem(0).text,
              HasSubstr("v1's systemd to be mounted"));
}

class UntracedTest : public DiscoveryTest {
 protected:
  UntracedTest() {
    blocks_.push_back(WithName("a"));
    untraced_.emplace();
  }

  std::vector<pid_t> Untraced() {
    EXPECT_TRUE(Discover());
    std::vector<pid_t> pids;
    for (const Match& match : discovery_->matches()) {
      if (match.untraced) pids.push_back(match.pid);
    }
    return pids;
  }
};

TEST_F(UntracedTest, IsAskedOfProcessesThatMatchAlone) {
  untraced_->command_lines.push_back(CompileExpression("canary"));
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a", .cmdline = std::string("canary\0", 7)});
  tree_.Put({.pid = 7, .comm = "b", .cmdline = std::string("canary\0", 7)});
  const FileAccess access(tree_.path() + "/7/cmdline");
  EXPECT_THAT(Untraced(), ElementsAre(6));
  EXPECT_EQ(discovery_->matches().size(), 2U);
  EXPECT_EQ(table_.records().size(), 2U);
  EXPECT_FALSE(access.Happened());
}

TEST_F(UntracedTest, PidFileIsReadAgainInEachPass) {
  untraced_->pid_files = {files_.path() / "x.pid"};
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  EXPECT_THAT(Untraced(), IsEmpty());
  Write(files_.path() / "x.pid", "6");
  EXPECT_THAT(Untraced(), ElementsAre(6));
  Write(files_.path() / "x.pid", "5");
  EXPECT_THAT(Untraced(), ElementsAre(5));
  Write(files_.path() / "x.pid", "x");
  EXPECT_THAT(Untraced(), IsEmpty());
  EXPECT_THAT(discovery_->UntracedProblem(0).text, HasSubstr("x.pid"));
  EXPECT_EQ(discovery_->Problem(0).text, "");
}

TEST_F(UntracedTest, EveryKindOfSelectorMustHold) {
  untraced_->pid_files = {files_.path() / "x.pid"};
  untraced_->names = {"a"};
  untraced_->users = {"4242"};
  tree_.Put({.pid = 5, .comm = "a", .effective_user = 4242});
  tree_.Put({.pid = 6, .comm = "a"});
  Write(files_.path() / "x.pid", "6");
  EXPECT_THAT(Untraced(), IsEmpty());
  Write(files_.path() / "x.pid", "5");
  EXPECT_THAT(Untraced(), ElementsAre(5));
}

TEST_F(UntracedTest, ProcessThatCannotBeAskedCountsAsTracedAndIsSaid) {
  untraced_->command_lines.push_back(CompileExpression("canary"));
  tree_.Put({.pid = 5, .comm = "a"});
  std::filesystem::remove(tree_.path() + "/5/cmdline");
  std::filesystem::create_directory(tree_.path() + "/5/cmdline");
  EXPECT_THAT(Untraced(), IsEmpty());
  EXPECT_EQ(discovery_->matches().size(), 1U);
  EXPECT_THAT(discovery_->UntracedProblem(0).text,
              HasSubstr("/proc/PID/cmdline"));
  EXPECT_EQ(discovery_->UntracedProblem(0).process, 5);
}

TEST_F(UntracedTest, EachDescendantIsAskedForItself) {
  blocks_[0].include_children = true;
  untraced_->names = {"canary"};
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "canary", .parent = 5});
  tree_.Put({.pid = 7, .comm = "b", .parent = 6});
  EXPECT_THAT(Untraced(), ElementsAre(6));
  EXPECT_EQ(discovery_->matches().size(), 3U);
}

// Two blocks, of which one process may bring a name that is another's.
class ClaimsTest : public ListedTest {
 protected:
  // A searching block of the root user's processes; a block of units.
  ClaimsTest() {
    everything_.users = {"0"};
    units_ = WithUnit("*.service");
    discovery_.emplace(std::vector<Target>{{"${comm}", &everything_, 9},
                                           {"${unit}", &units_, 9}},
                       tree_.path() + "/self/mounts");
    for (const pid_t pid : {1, 10, 11, 12, 13}) {
      tree_.Put({.pid = pid, .effective_user = 4242});
    }
    tree_.SetSelf(1);
  }

  // By block and PID: under which name they are reported, and at which index.
  std::map<std::pair<size_t, pid_t>, std::pair<std::string, size_t>> Names() {
    EXPECT_TRUE(Discover());
    std::map<std::pair<size_t, pid_t>, std::pair<std::string, size_t>> names;
    for (const Match& match : discovery_->matches()) {
      names[{match.service, match.pid}] = {
          discovery_->series()[match.series].name, match.series};
    }
    return names;
  }

  Selectors everything_;
  Selectors units_;
};

TEST_F(ClaimsTest, BetterClaimTakesTheNameWheneverItComes) {
  Move("a.service", "");
  Move("b.service", "");
  tree_.Put({.pid = 13, .comm = "a.service"});
  const auto squatted = Names();
  ASSERT_TRUE(squatted.contains({0, 13}));
  EXPECT_EQ(squatted.at({0, 13}).first, "a.service");
  EXPECT_EQ(discovery_->Problem(0).text, "");

  Move("a.service", "10\n");
  const auto names = Names();
  EXPECT_FALSE(names.contains({0, 13}));
  ASSERT_TRUE(names.contains({1, 10}));
  EXPECT_EQ(names.at({1, 10}).first, "a.service");
  // Nothing that was kept of the series stays.
  EXPECT_NE(names.at({1, 10}).second, squatted.at({0, 13}).second);
  EXPECT_EQ(discovery_->Problem(0).text,
            "\"a.service\" is left out: block "
            "\"${unit}\" has the better claim to the name");
  EXPECT_EQ(discovery_->Problem(0).process, 13);
  EXPECT_EQ(discovery_->Problem(1).text, "");

  // A unit that starts again does not find its name taken.
  Move("a.service", "");
  for (int pass = 0; pass < 9; ++pass) EXPECT_TRUE(Names().empty()) << pass;
  EXPECT_NE(discovery_->Problem(0).text, "");
  Names();
  EXPECT_TRUE(Names().contains({0, 13}));
  EXPECT_EQ(discovery_->Problem(0).text, "");
}

TEST_F(ClaimsTest, BetterClaimWinsWhereBothComeAtOnce) {
  tree_.Put({.pid = 9, .comm = "a.service"});
  const auto names = Names();
  EXPECT_FALSE(names.contains({0, 9}));
  ASSERT_TRUE(names.contains({1, 10}));
  EXPECT_EQ(names.at({1, 10}).first, "a.service");
}

// Any user can make a cgroup below his own with the name of a unit.
TEST_F(ClaimsTest, NameOfAUnitIsBetterThanThatOfAnyCgroup) {
  const auto user = files_.path() / "cgroup" / "user.slice" / "user@1.service";
  std::filesystem::create_directories(user / "a.service");
  Write(user / "a.service" / "cgroup.procs", "13\n");
  Selectors cgroups;
  cgroups.cgroups = {SplitCgroupPath("user.slice/user@1.service/a.service")};
  discovery_.emplace(
      std::vector<Target>{{"${cgroup}", &cgroups, 9}, {"${unit}", &units_, 9}},
      tree_.path() + "/self/mounts");
  const auto names = Names();
  EXPECT_FALSE(names.contains({0, 13}));
  ASSERT_TRUE(names.contains({1, 10}));
  EXPECT_EQ(names.at({1, 10}).first, "a.service");
}

TEST_F(ClaimsTest, NoBlockHasANameOfTwoEqualClaims) {
  const Selectors one = WithName("ab");
  const Selectors other = WithName("b");
  discovery_.emplace(
      std::vector<Target>{{"${comm}", &one, 9}, {"a${comm}", &other, 9}},
      "/nowhere");
  tree_.Put({.pid = 20, .comm = "ab"});
  EXPECT_TRUE(Names().contains({0, 20}));
  tree_.Put({.pid = 21, .comm = "b"});
  EXPECT_TRUE(Names().empty());
  EXPECT_EQ(discovery_->Problem(0).text,
            "\"ab\" is left out: block \"a${comm}\" has "
            "an equal claim to the name");
  EXPECT_EQ(discovery_->Problem(1).text,
            "\"ab\" is left out: block \"${comm}\" has "
            "an equal claim to the name");
  EXPECT_TRUE(Names().empty());
  tree_.Remove(20);
  for (int pass = 0; pass < 10; ++pass) EXPECT_TRUE(Names().empty()) << pass;
  EXPECT_TRUE(Names().contains({1, 21}));
  EXPECT_EQ(discovery_->Problem(1).text, "");
}

TEST_F(PlaceholderTest, NewNamesOfAnHourAreBounded) {
  name_ = "${comm}";
  max_instances_ = 70;
  blocks_.push_back(Everything());
  tree_.Put({.pid = 1, .comm = "first"});
  std::set<std::string> names;
  const auto churn = [&](int passes, const std::string& prefix) {
    for (int pass = 0; pass < passes; ++pass) {
      tree_.Put({.pid = 2, .comm = prefix + std::to_string(pass)});
      for (const auto& [name, count] : Instances()) names.insert(name);
    }
  };
  churn(150, "a");
  EXPECT_EQ(names.size(), 1U + 1U + 70U);
  EXPECT_EQ(discovery_->Refused(0), 0U);
  EXPECT_GT(discovery_->RefusedNew(0), 0U);
  // A name that was there in this hour is not new.
  tree_.Put({.pid = 2, .comm = "a7"});
  EXPECT_EQ(Instances().count("a7"), 1U);
  now_ += std::chrono::hours(1);
  names.clear();
  churn(150, "b");
  EXPECT_EQ(names.size(), 1U + 70U);
}

// On the real kernel, by events and by scanning: what happens between two
// passes.
class ChangesTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("Scan")) return;
    // Where others start many processes, their events fill the small buffer
    // before the kernel's answer.
    for (int attempt = 0; attempt < 100; ++attempt) {
      events_ = kernel::ProcessEvents::Subscribe(
          GetParam() == std::string("Overflow")
              ? 2048
              : kernel::ProcessEvents::kReceiveBuffer);
      if (*events_ || events_->error().system_error != ENOBUFS) break;
    }
    if (!*events_) GTEST_SKIP() << events_->error().Message();
  }

  std::vector<pid_t> Find() {
    if (!discovery_) {
      std::vector<Target> targets{{"block", &selectors_, 9}};
      if (other_) targets.push_back({"other", &*other_, 9});
      discovery_.emplace(targets, "/proc/self/mounts");
      if (events_) discovery_->UseEvents(std::move(**events_));
    }
    if (GetParam() == std::string("Overflow")) {
      for (int i = 0; i < 20; ++i) ChildProcess storm({[] {}});
    }
    now_ += std::chrono::seconds(1);
    table_.BeginPass(*proc_);
    discovery_->Find(*proc_, now_, table_);
    std::vector<pid_t> pids;
    for (const Match& match : discovery_->matches()) pids.push_back(match.pid);
    return pids;
  }

  const std::string name_ = UniqueName("a");
  const std::string proc_path_ = "/proc";
  Selectors selectors_ = WithName(name_);
  std::optional<Selectors> other_;  // of a second block
  std::optional<procfs::Result<kernel::ProcessEvents>> events_;
  procfs::Result<procfs::Procfs> proc_ = procfs::Procfs::Open(proc_path_);
  std::optional<Discovery> discovery_;
  steady_clock::time_point now_;
  store::ProcessStore table_{100, [] { return procfs::Instant{}; }};
};

INSTANTIATE_TEST_SUITE_P(Discovery, ChangesTest,
                         testing::Values("Events", "Scan", "Overflow"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

TEST_P(ChangesTest, RenameIsSeenInBothDirections) {
  ChildProcess child({[] {}, Rename(name_), Rename("other")});
  EXPECT_THAT(Find(), IsEmpty());
  child.Next();
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  child.Next();
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_P(ChangesTest, ExecOfABystanderIsSeen) {
  selectors_ = {};
  selectors_.command_lines.push_back(CompileExpression("^" + name_));
  ChildProcess child({[] {}, ExecuteSleep(name_)});
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_THAT(Find(), IsEmpty());
  child.Next();
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
}

TEST_P(ChangesTest, ExecOfAWatchedProcessIsSeen) {
  ChildProcess child({Rename(name_), ExecuteSleep("sleep")});
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  child.Next();
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_P(ChangesTest, ForkWithoutExecOfAWatchedProcessIsSeen) {
  ChildProcess child({Rename(name_), Fork()});
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  child.Next();
  EXPECT_EQ(Find().size(), 2U);
}

TEST_P(ChangesTest, UserThatChangesIsSeen) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  selectors_.users = {"4242"};
  ChildProcess child({Rename(name_), BecomeUser(4242)});
  EXPECT_THAT(Find(), IsEmpty());
  child.Next();
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
}

TEST_P(ChangesTest, EndIsSeen) {
  ChildProcess child({Rename(name_)});
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  child.Kill();
  // Without an event, reading it tells, as the sampler does.
  table_.BeginPass(*proc_);
  for (auto entry = table_.records().begin();
       entry != table_.records().end();) {
    store::Record& process = (entry++)->second;
    if (!table_.Read(process)) table_.Forget(process.id.pid);
  }
  EXPECT_THAT(Find(), IsEmpty());
}

// A match without its process would keep those of all later ones from being
// read.
TEST_P(ChangesTest, EndOfOneThatAPidFileNamesForAnotherBlockLeavesNoMatch) {
  ChildProcess child({Rename(name_)});
  const TemporaryDirectory files;
  const std::string path = files.path() / "x.pid";
  Write(path, std::to_string(child.pid()));
  other_ = WithPidFile(path);
  other_->names = {"other"};
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  child.Kill();
  EXPECT_THAT(Find(), IsEmpty());
}

// An event names the process; when it is looked at, a thread has its PID.
TEST_P(ChangesTest, ThreadWithThePidOfOneThatEndedIsNoProblem) {
  if (!CanChoosePid()) GTEST_SKIP() << "needs to choose PIDs: ns_last_pid";
  EXPECT_THAT(Find(), IsEmpty());
  std::promise<void> end;
  const std::shared_future<void> ended(end.get_future());
  std::vector<std::thread> threads;
  pid_t pid = 0;
  pid_t last = -1;
  // Others may get the PID first.
  while (last != pid && threads.size() < 100) {
    ChildProcess child({Rename(name_)});
    pid = child.pid();
    child.Kill();
    Write("/proc/sys/kernel/ns_last_pid", std::to_string(pid - 1));
    std::promise<pid_t> id;
    threads.emplace_back([&] {
      prctl(PR_SET_NAME, name_.c_str());
      id.set_value(gettid());
      ended.wait();
    });
    last = id.get_future().get();
  }
  EXPECT_EQ(last, pid);
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_EQ(discovery_->Problem(0).text, "");
  end.set_value();
  for (std::thread& thread : threads) thread.join();
}

TEST_P(ChangesTest, DescendantsOfOneThatBeginsToMatchAreSeen) {
  selectors_.include_children = true;
  ChildProcess child({Fork(), Rename(name_), Fork(), Rename("other")});
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_THAT(Find(), IsEmpty());
  child.Next();
  EXPECT_EQ(Find().size(), 2U);
  child.Next();
  EXPECT_EQ(Find().size(), 3U);
  EXPECT_EQ(Find().size(), 3U);
  child.Next();
  EXPECT_EQ(Find().size(), 1U);  // forked with the name that matches
}

// Rewrites the command line as PostgreSQL and nginx do.
ChildProcess::Step RewriteCommandLine(const std::string& text) {
  return [text] {
    const std::string bytes = ContentOf("/proc/self/stat");
    std::istringstream fields(bytes.substr(bytes.rfind(')') + 1));
    std::vector<std::string> field(std::istream_iterator<std::string>{fields},
                                   {});
    auto* arguments =
        reinterpret_cast<char*>(std::stoull(field.at(45)));  // arg_start
    text.copy(arguments, text.size() + 1);
  };
}

// No event tells so. A service may take a while from its fork to that, and may
// have been forked before the first pass.
TEST_P(ChangesTest, CommandLineThatIsRewrittenLaterIsSeen) {
  for (const bool is_first_pass_over : {true, false}) {
    discovery_.reset();
    SetUp();
    selectors_ = {};
    selectors_.command_lines.push_back(CompileExpression("^" + name_));
    if (is_first_pass_over) {
      EXPECT_THAT(Find(), IsEmpty());
    }
    ChildProcess child({[] {}, RewriteCommandLine(name_)});
    for (int pass = 0; pass < 20; ++pass) EXPECT_THAT(Find(), IsEmpty());
    child.Next();
    // Passes are a second apart: 20 s after the fork, by 40 s.
    std::vector<pid_t> found;
    for (int pass = 0; pass < 20 && found.empty(); ++pass) found = Find();
    EXPECT_THAT(found, ElementsAre(child.pid()));
  }
}

// The same for a block that has a list besides: the other block is by events.
TEST_P(ChangesTest, CommandLineOfAListedProcessIsLookedAtWithinTheHour) {
  ChildProcess child(
      {[] {}, RewriteCommandLine(name_), RewriteCommandLine("other")});
  const TemporaryDirectory files;
  const std::string path = files.path() / "x.pid";
  Write(path, std::to_string(child.pid()));
  selectors_ = WithPidFile(path);
  selectors_.command_lines.push_back(CompileExpression("^" + name_));
  other_ = WithName("no-such-name");
  EXPECT_THAT(Find(), IsEmpty());
  now_ += std::chrono::minutes(30);
  EXPECT_THAT(Find(), IsEmpty());
  child.Next();
  now_ += std::chrono::hours(1);
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
  child.Next();
  now_ += std::chrono::hours(1);
  EXPECT_THAT(Find(), IsEmpty());
}

// A long name may be that in the command line.
TEST_P(ChangesTest, CommandLineOfALongNameIsLookedAtWithinTheHour) {
  const std::string name = name_ + "-longer-than-fifteen";
  ChildProcess child(
      {Rename(name), RewriteCommandLine(name + std::string(1, '\0'))});
  selectors_ = WithName(name);
  EXPECT_THAT(Find(), IsEmpty());
  now_ += std::chrono::minutes(30);
  EXPECT_THAT(Find(), IsEmpty());
  child.Next();
  now_ += std::chrono::hours(1);
  EXPECT_THAT(Find(), ElementsAre(child.pid()));
}

TEST_P(ChangesTest, NameIsFreeAgainWhenItsRivalIsGone) {
  const std::string name = name_.substr(1);
  ChildProcess one({Rename(name_)});
  ChildProcess other({[] {}, Rename(name)});
  const Selectors with_name = WithName(name);
  discovery_.emplace(
      std::vector<Target>{{"${comm}", &selectors_, 9},
                          {name_.substr(0, 1) + "${comm}", &with_name, 9}},
      "/proc/self/mounts");
  if (events_) discovery_->UseEvents(std::move(**events_));
  EXPECT_THAT(Find(), ElementsAre(one.pid()));
  other.Next();
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_NE(discovery_->Problem(1).text, "");
  one.Kill();
  for (int pass = 0; pass < 10; ++pass) EXPECT_THAT(Find(), IsEmpty()) << pass;
  EXPECT_THAT(Find(), ElementsAre(other.pid()));
  EXPECT_EQ(discovery_->Problem(1).text, "");
}

// What no event tells is seen within the hour where it is asked for.
TEST_P(ChangesTest, EverythingIsLookedAtNowAndThen) {
  const bool by_events = GetParam() == std::string("Events");
  ChildProcess child({Rename(name_)});
  for (const int hours : {6, 1}) {
    discovery_.reset();
    SetUp();
    selectors_ = WithName(name_);
    if (hours == 1) selectors_.command_lines.push_back(CompileExpression("."));
    for (int pass = 0; pass < 10; ++pass) {
      now_ += std::chrono::minutes(1);
      EXPECT_THAT(Find(), ElementsAre(child.pid()));
    }
    table_.Forget(child.pid());  // as if it had never been seen
    now_ += std::chrono::hours(hours) - std::chrono::minutes(11);
    if (by_events) {
      EXPECT_THAT(Find(), IsEmpty());
    }
    now_ += std::chrono::minutes(11);
    EXPECT_THAT(Find(), ElementsAre(child.pid()));
  }
}

}  // namespace
}  // namespace resource_attribution::discovery
