#include "discovery/near_misses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "discovery/selector_warnings.h"
#include "proc_tree.h"

namespace resource_attribution::discovery {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// The arguments of a process, each with its NUL.
std::string Arguments(std::initializer_list<const char*> arguments) {
  std::string bytes;
  for (const char* one : arguments) (bytes += one) += '\0';
  return bytes;
}

class NearMissesTest : public testing::Test {
 protected:
  std::vector<std::string> Explain(const Selectors& selectors) {
    const auto proc = procfs::Procfs::Open(proc_path_);
    const Selectors* const blocks[] = {&selectors};
    Write(Path("mounts"),
          "cgroup2 " + Path("cgroup") + " cgroup2 rw,nosuid 0 0\n");
    return ExplainNearMisses(*proc, Path("mounts"), blocks).value().at(0);
  }

  std::vector<std::string> ExplainName(const std::string& name) {
    Selectors selectors;
    selectors.names = {name};
    return Explain(selectors);
  }

  std::vector<std::string> ExplainExecutable(const std::string& path) {
    Selectors selectors;
    selectors.executables = {path};
    return Explain(selectors);
  }

  std::vector<std::string> ExplainExpression(const std::string& expression) {
    Selectors selectors;
    selectors.command_lines.push_back(CompileExpression(expression));
    return Explain(selectors);
  }

  std::vector<std::string> ExplainPidFile(const std::string& path) {
    Selectors selectors;
    selectors.pid_files = {path};
    return Explain(selectors);
  }

  std::vector<std::string> ExplainCgroup(const std::string& path) {
    Selectors selectors;
    selectors.cgroups = {SplitCgroupPath(path)};
    return Explain(selectors);
  }

  std::vector<std::string> ExplainUnit(const std::string& unit) {
    Selectors selectors;
    selectors.systemd_units = {unit};
    return Explain(selectors);
  }

  std::string Path(const std::string& name) const {
    return directory_.path() / name;
  }

  ProcTree tree_;
  TemporaryDirectory directory_;
  std::string proc_path_ = tree_.path();
};

TEST_F(NearMissesTest, NothingThatIsNearLeavesTheCount) {
  tree_.Put({.pid = 5, .comm = "sh"});
  EXPECT_THAT(ExplainName("nginx"),
              ElementsAre("none of 1 process matches Name \"nginx\""));
}

TEST_F(NearMissesTest, MainThreadOfNodeIsFoundByItsExecutable) {
  for (const pid_t pid : {5, 6, 7}) {
    tree_.Put({.pid = pid, .comm = "MainThread", .exe = "/usr/bin/node"});
  }
  // The program that started it adds no line.
  tree_.Put({.pid = 8, .comm = "timeout", .cmdline = Arguments({"x", "node"})});
  EXPECT_THAT(ExplainName("node"),
              ElementsAre("none of 4 processes matches Name \"node\"",
                          "3 processes execute /usr/bin/node, with the command "
                          "name \"MainThread\": use Executable "
                          "\"/usr/bin/node\""));
}

TEST_F(NearMissesTest, TitleThatBecameTheNameIsFoundByTheCommandLine) {
  tree_.Put({.pid = 5,
             .comm = "gunicorn: maste",
             .cmdline = Arguments({"gunicorn: master [app:application]"}),
             .exe = "/usr/bin/python3.11"});
  EXPECT_THAT(
      ExplainName("gunicorn"),
      Contains("command names that begin with \"gunicorn\": \"gunicorn: "
               "maste\"; use CommandLine \"^gunicorn\""));
}

TEST_F(NearMissesTest, LongerNameWithoutATitleIsNamed) {
  tree_.Put({.pid = 5, .comm = "nginx-debug"});
  tree_.Put({.pid = 6, .comm = "nginx-debug"});
  EXPECT_THAT(ExplainName("nginx"),
              Contains(HasSubstr("use Name \"nginx-debug\"")));
}

TEST_F(NearMissesTest, CaseOfANameCounts) {
  tree_.Put({.pid = 5, .comm = "Xorg"});
  EXPECT_THAT(ExplainName("xorg"),
              Contains("the case of letters differs: use Name \"Xorg\", which "
                       "1 process has"));
}

TEST_F(NearMissesTest, ScriptIsFoundAmongTheArguments) {
  tree_.Put({.pid = 5,
             .comm = "python3",
             .cmdline = Arguments({"/usr/bin/python3", "-u", "/srv/worker.py"}),
             .exe = "/usr/bin/python3.11"});
  EXPECT_THAT(
      ExplainName("worker.py"),
      Contains("\"worker.py\" is among the first arguments of 1 process, whose "
               "command name is \"python3\": use CommandLine "
               "\"(^|[ /])worker\\\\.py( |$)\""));
}

TEST_F(NearMissesTest, PathAsANameIsAnExecutable) {
  tree_.Put({.pid = 5, .comm = "nginx", .exe = "/no/sbin/nginx"});
  tree_.Put({.pid = 6, .comm = "nginx", .exe = "/no/sbin/nginx"});
  EXPECT_THAT(ExplainName("/no/sbin/nginx"),
              Contains("/no/sbin/nginx is a path, not a command name: use "
                       "Executable \"/no/sbin/nginx\", which 2 processes "
                       "execute, or Name \"nginx\", which 2 processes have"));
  tree_.Put({.pid = 7, .comm = "kthreadd", .flags = 0x200000, .exe = ""});
  EXPECT_THAT(ExplainName("/no/such"),
              Contains(HasSubstr("which no process executes")));
}

TEST_F(NearMissesTest, NameThatLooksLikeAPatternIsExpanded) {
  tree_.Put({.pid = 5, .comm = "nginx"});
  tree_.Put({.pid = 6, .comm = "nginx-debug"});
  EXPECT_THAT(ExplainName("nginx*"),
              Contains("\"nginx*\" is not a pattern, although 2 processes have "
                       "such a name: use Name \"nginx\", Name "
                       "\"nginx-debug\""));
  EXPECT_THAT(ExplainName("java*"),
              Contains("\"java*\" is not a pattern: use CommandLine with an "
                       "expression"));
}

TEST_F(NearMissesTest, LinkLeadsToTheExecutable) {
  fs::create_directory(Path("usr"));
  Write(Path("usr/x"), "program");
  fs::create_directory_symlink(Path("usr"), Path("bin"));
  const std::string real = fs::canonical(Path("usr/x"));
  tree_.Put({.pid = 5, .exe = real});
  EXPECT_THAT(
      ExplainExecutable(Path("bin/x")),
      Contains(Path("bin/x") + " is a link to " + real + ": use Executable \"" +
               real + "\", which 1 process executes"));
}

TEST_F(NearMissesTest, ExecutableElsewhereIsNamed) {
  tree_.Put({.pid = 5, .exe = "/opt/bin/x"});
  EXPECT_THAT(ExplainExecutable("/no/bin/x"),
              ElementsAre("none of 1 process matches Executable \"/no/bin/x\"",
                          "there is no file /no/bin/x",
                          "1 process executes /opt/bin/x: use Executable "
                          "\"/opt/bin/x\""));
}

TEST_F(NearMissesTest, ScriptIsNoExecutable) {
  Write(Path("tool"), "#!/usr/bin/python3\n");
  tree_.Put({.pid = 5,
             .comm = "python3",
             .cmdline = Arguments({"/usr/bin/python3", "/srv/tool"}),
             .exe = "/usr/bin/python3.11"});
  EXPECT_THAT(ExplainExecutable(Path("tool")),
              Contains(HasSubstr("is a script, which its interpreter executes: "
                                 "use CommandLine \"(^|[ /])tool( |$)\", which "
                                 "1 process matches")));
}

TEST_F(NearMissesTest, PidFileSaysWhyItLeadsNowhere) {
  const std::string path = Path("x.pid");
  EXPECT_THAT(ExplainPidFile(path),
              Contains(path + ": No such file or directory"));
  Write(path, "4711\n");
  EXPECT_THAT(ExplainPidFile(path),
              Contains(path + " names 4711, which does not run"));
  Write(path, "none\n");
  EXPECT_THAT(ExplainPidFile(path), Contains(StartsWith(path + ": expected")));
}

// A thread has a directory in procfs that is not listed.
TEST_F(NearMissesTest, PidFileThatNamesAThreadSaysWhose) {
  proc_path_ = "/proc";
  pid_t thread = 0;
  std::promise<void> written;
  std::promise<void> done;
  std::thread running([&] {
    thread = gettid();
    written.set_value();
    done.get_future().wait();
  });
  written.get_future().wait();
  Write(Path("x.pid"), std::to_string(thread));
  EXPECT_THAT(
      ExplainPidFile(Path("x.pid")),
      Contains(Path("x.pid") + " names " + std::to_string(thread) +
               ", which is a thread of process " + std::to_string(getpid())));
  done.set_value();
  running.join();
}

TEST_F(NearMissesTest, PidFileThatLooksLikeAPatternIsExpanded) {
  Write(Path("a.pid"), "1");
  Write(Path("b.pid"), "2");
  EXPECT_THAT(
      ExplainPidFile(Path("*.pid")),
      Contains("PIDFile is not a pattern: use PIDFile once for each file: "
               "PIDFile \"" +
               Path("a.pid") + "\" PIDFile \"" + Path("b.pid") + "\""));
}

TEST_F(NearMissesTest, CgroupBeginsBelowTheMountPoint) {
  tree_.Put({.pid = 5, .cgroup = "0::/system.slice/x.service\n"});
  EXPECT_THAT(
      ExplainCgroup(Path("cgroup/system.slice")),
      Contains(HasSubstr("is not a path relative to the root of the "
                         "hierarchy: use Cgroup \"system.slice\", which "
                         "has 1 process")));
}

TEST_F(NearMissesTest, CgroupBeginsAtTheRoot) {
  tree_.Put({.pid = 5, .cgroup = "0::/system.slice/x.service/worker\n"});
  EXPECT_THAT(ExplainCgroup("x.service"),
              ElementsAre("none of 1 process matches Cgroup \"x.service\"",
                          "there is no cgroup x.service",
                          "1 process is in system.slice/x.service: use Cgroup "
                          "\"system.slice/x.service\""));
}

TEST_F(NearMissesTest, CgroupWithoutAProcessIsToldFromNone) {
  fs::create_directories(Path("cgroup/empty"));
  EXPECT_THAT(ExplainCgroup("empty"),
              Contains("the cgroup empty has no process"));
}

TEST_F(NearMissesTest, UnitOfAUserIsNotSearched) {
  const std::string path =
      "user.slice/user-1000.slice/user@1000.service/app.slice/x.service";
  tree_.Put({.pid = 5, .cgroup = "0::/" + path + "/worker\n"});
  EXPECT_THAT(ExplainUnit("x.service"),
              Contains("1 process is in a unit of a user's manager, which is "
                       "not searched: use Cgroup \"" +
                       path + "\""));
}

TEST_F(NearMissesTest, InstancesOfATemplateAreNamed) {
  tree_.Put({.pid = 5, .cgroup = "0::/system.slice/x@1.service\n"});
  EXPECT_THAT(ExplainUnit("x.service"),
              Contains("units of that template run, \"x@1.service\": use "
                       "SystemdUnit \"x@*.service\""));
}

TEST_F(NearMissesTest, PatternOfUnitsWithoutASuffixIsValid) {
  EXPECT_THAT(ExplainUnit("x*"), SizeIs(1));
}

TEST_F(NearMissesTest, UserThatThereIsNot) {
  Selectors selectors;
  selectors.users = {"no-such-user-here"};
  EXPECT_THAT(Explain(selectors),
              Contains("there is no user \"no-such-user-here\""));
}

TEST_F(NearMissesTest, ExpressionThatIsAnchoredTooEarly) {
  tree_.Put({.pid = 5,
             .comm = "java",
             .cmdline = Arguments({"/opt/jdk/bin/java", "--password=secret"})});
  const auto lines = ExplainExpression("^java");
  EXPECT_THAT(lines, Contains("without ^ it matches 1 process, such as PID 5, "
                              "\"java\": use CommandLine \"java\""));
  EXPECT_THAT(lines, Each(Not(HasSubstr("secret"))));
}

TEST_F(NearMissesTest, ExpressionThatIsAnchoredTooLateOrInAnotherCase) {
  tree_.Put({.pid = 5, .cmdline = Arguments({"Daemon", "--x"})});
  EXPECT_THAT(ExplainExpression("^Daemon$"),
              Contains(StartsWith("without $ it matches 1 process")));
  EXPECT_THAT(ExplainExpression("^daemon"),
              Contains(HasSubstr("use CommandLine \"(?i)^daemon\"")));
}

TEST_F(NearMissesTest, SelectorsThatMatchApartSayWhoLacksWhat) {
  tree_.Put({.pid = 5, .comm = "x", .effective_user = 4000000001});
  tree_.Put({.pid = 6, .comm = "x", .effective_user = 4000000001});
  tree_.Put({.pid = 7, .comm = "y", .effective_user = 4000000002});
  Selectors selectors;
  selectors.names = {"x"};
  selectors.users = {"4000000002"};
  EXPECT_THAT(
      Explain(selectors),
      ElementsAre(
          "each selector matches some process, but none of 3 processes "
          "matches all: Name \"x\" 2, User \"4000000002\" 1",
          "1 process matches all but Name; its Name is \"y\"",
          "2 processes match all but User; their User is \"4000000001\""));
}

TEST_F(NearMissesTest, CommandLinesThatDoNotMatchAreNotShown) {
  tree_.Put({.pid = 5, .comm = "x", .cmdline = Arguments({"x", "secret"})});
  Selectors selectors;
  selectors.names = {"x"};
  selectors.command_lines.push_back(CompileExpression("^y"));
  const auto lines = Explain(selectors);
  EXPECT_THAT(lines, Contains("1 process matches all but CommandLine, such as "
                              "PID 5"));
  EXPECT_THAT(lines, Each(Not(HasSubstr("secret"))));
}

TEST_F(NearMissesTest, ZombieIsNoProcess) {
  tree_.Put({.pid = 5, .comm = "x", .state = 'Z'});
  EXPECT_THAT(ExplainName("x"),
              Contains("1 process matches but ended: a zombie "
                       "counts as gone"));
}

TEST_F(NearMissesTest, NamesOfProcessesCannotDriveATerminal) {
  tree_.Put({.pid = 5, .comm = "x\x1b[2J", .exe = "/tmp/\x1b[2J/x"});
  for (const char* name : {"x", "X\x1b[2j"}) {
    const auto lines = ExplainName(name);
    EXPECT_THAT(lines, SizeIs(2));
    EXPECT_THAT(lines, Each(Not(HasSubstr("\x1b"))));
  }
}

TEST_F(NearMissesTest, LinesAreFew) {
  Selectors selectors;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
    selectors.names.emplace_back(name);
    tree_.Put({.pid = name[0], .exe = std::string("/bin/") + name});
  }
  EXPECT_THAT(Explain(selectors), SizeIs(6));
}

TEST(SelectorWarningsTest, OrdinarySelectorsGiveNone) {
  Selectors selectors;
  selectors.names = {"nginx", "kworker/0:1", "["};
  selectors.pid_files = {"/run/x.pid"};
  selectors.cgroups = {SplitCgroupPath("system.slice/*"),
                       SplitCgroupPath("sys/fs")};
  EXPECT_THAT(SelectorWarnings(selectors), IsEmpty());
}

TEST(SelectorWarningsTest, SayWhatToWriteInstead) {
  Selectors selectors;
  selectors.names = {"/usr/sbin/nginx", "nginx*"};
  selectors.pid_files = {"/run/*.pid"};
  selectors.cgroups = {SplitCgroupPath("/sys/fs/cgroup/system.slice"),
                       SplitCgroupPath("/sys/fs/cgroup/unified/a/b")};
  EXPECT_THAT(
      SelectorWarnings(selectors),
      ElementsAre(HasSubstr("use Executable \"/usr/sbin/nginx\", or Name "
                            "\"nginx\""),
                  HasSubstr("Name \"nginx*\" is not a pattern"),
                  HasSubstr("PIDFile \"/run/*.pid\" is not a pattern"),
                  HasSubstr("use Cgroup \"system.slice\""),
                  HasSubstr("use Cgroup \"a/b\"")));
}

}  // namespace
}  // namespace resource_attribution::discovery
