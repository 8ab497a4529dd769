// The module as the daemon sees it: through its callbacks only.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "environment.h"
#include "failing_allocation.h"
#include "fake_collectd.h"
#include "proc_tree.h"

namespace resource_attribution {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Children = ConfigTree::Children;

class ModuleTest : public testing::Test {
 protected:
  ~ModuleTest() override {
    if (collectd_.shutdown != nullptr) {
      EXPECT_EQ(collectd_.shutdown(), 0);
    }
    unsetenv(kEnabledVariable);
    unsetenv(kIntervalVariable);
    unsetenv(kCheckVariable);
  }

  // Loads the module and configures it, once for each <Plugin> block.
  bool Configure(std::vector<Children> plugin_blocks) {
    module_register();
    bool valid = true;
    for (Children& options : plugin_blocks) {
      ConfigTree tree(std::move(options));
      valid = collectd_.config(tree.get()) == 0 && valid;
    }
    return valid;
  }

  void Start(Children options) {
    options.push_back({"ProcPath", {tree_.path()}, {}});
    options.push_back({"Interval", {0.1}, {}});
    ASSERT_TRUE(Configure({std::move(options)}));
    ASSERT_EQ(collectd_.init(), 0);
    collectd_.log.clear();
  }

  // One pass; returns what was dispatched, as instance/type.
  std::vector<std::string> Pass() {
    collectd_.values.clear();
    EXPECT_EQ(collectd_.read(nullptr), 0);
    std::vector<std::string> dispatched;
    for (const auto& value : collectd_.values) {
      dispatched.push_back(value.instance + "/" + value.type);
    }
    return dispatched;
  }

  std::vector<std::string> PassAnIntervalLater() {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return Pass();
  }

  FakeCollectd collectd_;
  ProcTree tree_;
};

TEST_F(ModuleTest, RegistersTypesAndCallbacksOnLoading) {
  module_register();
  EXPECT_EQ(collectd_.data_sets.size(), 9U);
  EXPECT_NE(collectd_.config, nullptr);
  EXPECT_NE(collectd_.init, nullptr);
  EXPECT_NE(collectd_.shutdown, nullptr);
  EXPECT_EQ(collectd_.read, nullptr);  // only once the interval is known
}

TEST_F(ModuleTest, WithoutABlockItWatchesTheDaemon) {
  module_register();
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_THAT(collectd_.Lines(LOG_INFO),
              ElementsAre(HasSubstr("Resource attribution started: interval 60 "
                                    "s (default), 1 block,")));
  EXPECT_THAT(Pass(),
              AllOf(SizeIs(4), Contains("collectd/process_memory_bytes")));
}

TEST_F(ModuleTest, DispatchesFiveValuesPerBlock) {
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"Process", {"a"}, {}}, {"Process", {"missing"}, {}}});
  EXPECT_THAT(Pass(), ElementsAre("a/process_memory_bytes",
                                  "a/process_memory_peak_bytes",
                                  "a/tracing_memory_overhead_bytes",
                                  "a/tracing_cpu_overhead_percent"));
  EXPECT_THAT(PassAnIntervalLater(), SizeIs(5));
}

TEST_F(ModuleTest, SeveralPluginBlocksAddUp) {
  ASSERT_TRUE(Configure({{{"Process", {"a"}, {}}},
                         {{"Interval", {5}, {}}, {"Process", {"b"}, {}}},
                         {{"Process", {"c"}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read_interval, 5);
  EXPECT_THAT(
      collectd_.Lines(LOG_INFO),
      ElementsAre(HasSubstr("interval 5 s (option Interval), 3 blocks")));
}

TEST_F(ModuleTest, EveryErrorOfEveryPluginBlockIsLogged) {
  EXPECT_FALSE(Configure({{{"Interval", {0}, {}}, {"Bogus", {}, {}}},
                          {{"Process", {"a"}, {}}},
                          {{"Process", {"a"}, {}}}}));
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(HasSubstr("resource_attribution plugin: option "
                                    "Interval 0: expected"),
                          HasSubstr("unknown option Bogus"),
                          HasSubstr("block \"a\" is there twice")));
}

TEST_F(ModuleTest, OneInvalidBlockFailsOnlyItself) {
  module_register();
  ConfigTree invalid(Children{{"Interval", {0}, {}}});
  EXPECT_NE(collectd_.config(invalid.get()), 0);
  ConfigTree valid(Children{{"Interval", {1}, {}}});
  EXPECT_EQ(collectd_.config(valid.get()), 0);
}

TEST_F(ModuleTest, InvalidEnvironmentFailsConfigurationAndIsSaidOnce) {
  setenv(kIntervalVariable, "soon", 1);
  EXPECT_FALSE(Configure({{{"Process", {"a"}, {}}}, {{"Process", {"b"}, {}}}}));
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(HasSubstr(
                  "RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS=\"soon\"")));
}

TEST_F(ModuleTest, InvalidEnvironmentFailsTheStartWithoutAnyBlock) {
  setenv(kEnabledVariable, "perhaps", 1);
  module_register();
  EXPECT_NE(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read, nullptr);
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              Contains(HasSubstr("RESOURCE_ATTRIBUTION_ENABLED=\"perhaps\"")));
}

TEST_F(ModuleTest, DisabledInTheFile) {
  ASSERT_TRUE(Configure({{{"Enabled", {false}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read, nullptr);
  EXPECT_THAT(
      collectd_.Lines(LOG_INFO),
      ElementsAre(HasSubstr("Resource attribution disabled (option Enabled)")));
}

TEST_F(ModuleTest, DisabledIsStillChecked) {
  EXPECT_FALSE(Configure({{{"Enabled", {false}, {}}, {"Interval", {0}, {}}}}));
}

TEST_F(ModuleTest, EnvironmentDisablesWhatTheFileEnables) {
  setenv(kEnabledVariable, "no", 1);
  ASSERT_TRUE(Configure({{{"Enabled", {true}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read, nullptr);
  EXPECT_THAT(
      collectd_.Lines(LOG_INFO),
      ElementsAre(HasSubstr("disabled (RESOURCE_ATTRIBUTION_ENABLED)")));
}

TEST_F(ModuleTest, EnvironmentEnablesWhatTheFileDisables) {
  setenv(kEnabledVariable, "1", 1);
  ASSERT_TRUE(Configure({{{"Enabled", {false}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_NE(collectd_.read, nullptr);
}

TEST_F(ModuleTest, IntervalOfTheEnvironmentGoesFirst) {
  setenv(kIntervalVariable, "0.5", 1);
  collectd_.load_plugin_interval = 20;
  ASSERT_TRUE(Configure({{{"Interval", {30}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read_interval, 0.5);
  EXPECT_THAT(
      collectd_.Lines(LOG_INFO),
      ElementsAre(HasSubstr(
          "interval 0.5 s (RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS)")));
}

TEST_F(ModuleTest, ThenThatOfThePluginBlock) {
  collectd_.load_plugin_interval = 20;
  ASSERT_TRUE(Configure({{{"Interval", {30}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read_interval, 30);
}

TEST_F(ModuleTest, ThenThatOfLoadPluginWhereItDiffersFromTheGlobalOne) {
  collectd_.load_plugin_interval = 20;
  ASSERT_TRUE(Configure({}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read_interval, 20);
  EXPECT_THAT(collectd_.Lines(LOG_INFO),
              ElementsAre(HasSubstr("interval 20 s (LoadPlugin)")));
}

TEST_F(ModuleTest, ThenSixtySecondsWhateverTheGlobalOneIs) {
  collectd_.global_interval = collectd_.load_plugin_interval = 15;
  ASSERT_TRUE(Configure({}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read_interval, 60);
}

TEST_F(ModuleTest, IntervalOfLoadPluginIsCheckedToo) {
  collectd_.load_plugin_interval = 0.05;
  EXPECT_FALSE(Configure({{{"Process", {"a"}, {}}}, {{"Process", {"b"}, {}}}}));
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(HasSubstr("<LoadPlugin>: option Interval 0.05: "
                                    "expected a number of seconds from 0.1")));
}

TEST_F(ModuleTest, IntervalOfLoadPluginIsCheckedWithoutAnyBlock) {
  collectd_.load_plugin_interval = 0.05;
  module_register();
  EXPECT_NE(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read, nullptr);
}

// collectd keeps 0.1 as a little less.
TEST_F(ModuleTest, ShortestIntervalOfLoadPluginIsValid) {
  collectd_.load_plugin_interval = 0.1;
  ASSERT_TRUE(Configure({}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_THAT(collectd_.Lines(LOG_INFO),
              ElementsAre(HasSubstr("interval 0.1 s (LoadPlugin)")));
}

TEST_F(ModuleTest, RefusedReadCallbackFailsTheStart) {
  collectd_.register_read_status = 1;
  ASSERT_TRUE(Configure({}));
  EXPECT_NE(collectd_.init(), 0);
}

TEST_F(ModuleTest, SelectorsThatSelectNothingAreWarnedOfAtStart) {
  ASSERT_TRUE(
      Configure({{{"Process", {"nginx*"}, {}},
                  {"Process",
                   {"x"},
                   {{"Name", {"x"}, {}},
                    {"Untraced", {}, {{"PIDFile", {"/run/*.pid"}, {}}}}}}}}));
  EXPECT_EQ(collectd_.init(), 0);
  EXPECT_THAT(
      collectd_.Lines(LOG_WARNING),
      ElementsAre(HasSubstr("block \"nginx*\": Name \"nginx*\" is not a "
                            "pattern"),
                  HasSubstr("block \"x\": <Untraced>: PIDFile "
                            "\"/run/*.pid\" is not a pattern")));
}

// A block "a" whose sampling is controlled.
ConfigTree::Node Sampled() {
  return {"Process",
          {"a"},
          {{"Name", {"a"}, {}},
           {"TracingOverhead", {"Threads"}, {}},
           {"Sampling",
            {},
            {{"MaxCPUShare", {3}, {}}, {"Ratio", {0.001, 0.1}, {}}}}}};
}

TEST_F(ModuleTest, SamplingNeedsAFileToActOn) {
  ASSERT_TRUE(Configure({{{"SamplingMode", {"Act"}, {}}, Sampled()}}));
  EXPECT_NE(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read, nullptr);
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              Contains(HasSubstr("option SamplingMode \"Act\": expected "
                                 "SamplingFile or SamplingAnswers beside it")));
}

TEST_F(ModuleTest, SamplingRatioIsAValueAndReturnsAtShutdown) {
  TemporaryDirectory files;
  const std::string path = files.path() / "a.json";
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"SamplingMode", {"Act"}, {}},
         {"SamplingAnswers", {files.path().string()}, {}},
         Sampled()});
  // `collectd -T` makes one pass.
  EXPECT_THAT(Pass(), Not(Contains("a/tracing_sampling_ratio")));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THAT(Pass(), Contains("a/tracing_sampling_ratio"));
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_THAT(collectd_.values.back().type, "tracing_sampling_ineffective");
  EXPECT_EQ(collectd_.values.back().value, 0);
  tree_.Remove(5);
  EXPECT_THAT(Pass(), IsEmpty());
  ASSERT_EQ(collectd_.shutdown(), 0);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ModuleTest, LosingAndFindingAreSaidOnceEach) {
  tree_.Put({.pid = 1, .comm = "init"});
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"Process", {"a"}, {}}});
  Pass();
  Pass();
  EXPECT_THAT(collectd_.log, IsEmpty());
  tree_.Remove(5);
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(
      collectd_.Lines(LOG_NOTICE),
      ElementsAre(HasSubstr("block \"a\": no process matches any more")));
  tree_.Put({.pid = 6, .comm = "a"});
  EXPECT_THAT(Pass(), SizeIs(4));
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_NOTICE),
              ElementsAre(HasSubstr("no process matches any more"),
                          HasSubstr("block \"a\": found 1 process")));
  EXPECT_THAT(collectd_.log, SizeIs(2));
}

TEST_F(ModuleTest, BlockThatHasNoProcessYetIsSaidOnce) {
  tree_.Put({.pid = 1, .comm = "init"});
  Start({{"Process", {"a"}, {}}});
  Pass();
  Pass();
  EXPECT_THAT(collectd_.log, SizeIs(1));
  EXPECT_THAT(collectd_.Lines(LOG_INFO),
              ElementsAre(HasSubstr("block \"a\": no process matches yet")));
}

TEST_F(ModuleTest, LastingProblemIsSaidOnceAndAgainWhenItComesBack) {
  TemporaryDirectory files;
  const std::string path = files.path() / "x.pid";
  Write(path, "what?");
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"Process", {"a"}, {{"PIDFile", {path}, {}}}}});
  Pass();
  Pass();
  EXPECT_THAT(
      collectd_.Lines(LOG_WARNING),
      ElementsAre(AllOf(HasSubstr("block \"a\": processes may be missing"),
                        HasSubstr(path))));
  Write(path, "5");
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_WARNING), SizeIs(1));
  Write(path, "what?");
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_WARNING), SizeIs(2));
}

TEST_F(ModuleTest, MoreProcessesThanAreReportedIsSaidOnce) {
  for (const pid_t pid : {1, 5, 6}) tree_.Put({.pid = pid, .comm = "a"});
  Start({{"Process",
          {"x"},
          {{"Name", {"a"}, {}},
           {"PerProcess", {true}, {}},
           {"MaxProcesses", {2}, {}}}}});
  EXPECT_THAT(Pass(), SizeIs(8));
  EXPECT_NE(collectd_.values[0].type_instance, "");
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_WARNING),
              ElementsAre(HasSubstr("block \"x\": more than MaxProcesses 2 "
                                    "processes match: the largest")));
}

TEST_F(ModuleTest, NamesBeyondMaxInstancesAreCountedInOneWarning) {
  tree_.Put({.pid = 1, .comm = "a"});
  tree_.Put({.pid = 5, .comm = "b"});
  tree_.Put({.pid = 6, .comm = "c"});
  Start({{"Process",
          {"${comm}"},
          {{"User", {0}, {}}, {"MaxInstances", {1}, {}}}}});
  EXPECT_THAT(Pass(), SizeIs(4));
  Pass();
  EXPECT_THAT(
      collectd_.Lines(LOG_WARNING),
      ElementsAre(HasSubstr("MaxInstances 1 reached: processes with other "
                            "names are left out, 2 now")));
}

TEST_F(ModuleTest, RefusedPssIsSaidOnce) {
  tree_.Put({.pid = 1, .comm = "a"});
  const std::string path = tree_.path() + "/1/smaps_rollup";
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  Start({{"Process", {"a"}, {}}, {"MemoryType", {"Pss"}, {}}});
  EXPECT_THAT(Pass(), SizeIs(4));
  Pass();
  EXPECT_THAT(
      collectd_.Lines(LOG_WARNING),
      ElementsAre(HasSubstr("block \"a\": memory is Rss from now on, "
                            "Pss was refused: /proc/PID/smaps_rollup")));
}

TEST_F(ModuleTest, StartLineSaysHowProcessesAreFound) {
  ASSERT_TRUE(
      Configure({{{"Discovery", {"Scan"}, {}}, {"Process", {"a"}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_THAT(collectd_.Lines(LOG_INFO),
              ElementsAre(HasSubstr("discovery by scanning /proc (option "
                                    "Discovery)")));
}

// A directory tree is not the procfs of this PID namespace, so there are no
// process events.
TEST_F(ModuleTest, EventsWhereThereAreNoneFailTheStart) {
  ASSERT_TRUE(Configure({{{"Discovery", {"Events"}, {}},
                          {"ProcPath", {tree_.path()}, {}},
                          {"Process", {"a"}, {}}}}));
  EXPECT_NE(collectd_.init(), 0);
  EXPECT_EQ(collectd_.read, nullptr);
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(AllOf(HasSubstr("not started: option Discovery "
                                          "\"Events\": "),
                                HasSubstr(tree_.path()),
                                HasSubstr("expected \"Auto\" or \"Scan\""))));
}

TEST_F(ModuleTest, PassThatFailsIsSaidOnceAndTheNextOneRuns) {
  tree_.Put({.pid = 1, .comm = "init"});
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"Process", {"a"}, {}}});
  Pass();
  std::vector<std::string> dispatched;
  {
    const NoDescriptors none;
    dispatched = Pass();
    Pass();
  }
  EXPECT_THAT(dispatched, IsEmpty());
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(AllOf(HasSubstr("pass failed"),
                                HasSubstr("Too many open files"))));
  EXPECT_THAT(PassAnIntervalLater(), SizeIs(5));
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_NOTICE),
              ElementsAre(HasSubstr("pass succeeded again")));
}

TEST_F(ModuleTest, ProcfsThatIsMissingIsNamed) {
  ASSERT_TRUE(Configure({{{"ProcPath", {"/nowhere/proc"}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(HasSubstr("/nowhere/proc: No such file")));
}

// The n-th allocation fails, for every n that there is: no exception reaches
// the daemon, and the next pass runs.
TEST_F(ModuleTest, NoExceptionLeavesAPass) {
  tree_.Put({.pid = 1, .comm = "init"});
  int failures = 0;
  for (int n = 0;; ++n) {
    tree_.Put({.pid = 5, .comm = "a"});
    Start({{"Process", {"a"}, {}}, {"Process", {"b"}, {}}});
    failing_allocation = n;
    EXPECT_EQ(collectd_.read(nullptr), 0);
    const bool failed = failing_allocation < 0;
    failing_allocation = -1;
    collectd_.log.clear();
    EXPECT_THAT(Pass(), Contains("a/process_memory_bytes")) << n;
    EXPECT_EQ(collectd_.shutdown(), 0);
    if (!failed) break;
    ++failures;
  }
  EXPECT_GT(failures, 10);
}

TEST_F(ModuleTest, NoExceptionLeavesConfigurationOrInit) {
  ConfigTree tree({{"ProcPath", {tree_.path()}, {}},
                   {"Process", {"a"}, {{"User", {"root"}, {}}}},
                   {"Bogus", {1}, {}}});
  int failures = 0;
  for (int n = 0;; ++n) {
    module_register();
    failing_allocation = n;
    EXPECT_NE(collectd_.config(tree.get()), 0);
    collectd_.init();
    const bool failed = failing_allocation < 0;
    failing_allocation = -1;
    EXPECT_EQ(collectd_.shutdown(), 0);
    if (!failed) break;
    ++failures;
  }
  EXPECT_GT(failures, 10);
}

TEST_F(ModuleTest, PathCannotForgeALogLine) {
  ASSERT_TRUE(Configure({{{"ProcPath", {"/nowhere\nERROR"}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_ERR),
              ElementsAre(HasSubstr("/nowhere\\x0aERROR: No such file")));
}

TEST_F(ModuleTest, StartsAgainAfterShutdown) {
  Start({{"Process", {"a"}, {}}});
  EXPECT_EQ(collectd_.shutdown(), 0);
  tree_.Put({.pid = 5, .comm = "b"});
  Start({{"Process", {"b"}, {}}});
  EXPECT_THAT(Pass(), Contains("b/process_memory_bytes"));
}

TEST_F(ModuleTest, ProcessThatComesAndGoesDoesNotFillTheLog) {
  Start({{"Process", {"a"}, {}}, {"Process", {"quiet"}, {}}});
  for (int pass = 0; pass < 20; ++pass) {
    tree_.Put({.pid = 5, .comm = "a"});
    Pass();
    tree_.Remove(5);
    Pass();
  }
  const auto lines = collectd_.Lines(LOG_NOTICE);
  ASSERT_EQ(lines.size(), 12U);
  EXPECT_THAT(lines[10], testing::Not(HasSubstr("suppressed")));
  EXPECT_THAT(lines[11],
              HasSubstr("further messages suppressed for up to 1 h"));
  collectd_.log.clear();
  // Each block has its own budget. After an hour the log says what changed
  // meanwhile.
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "quiet"});
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_NOTICE),
              ElementsAre(HasSubstr("block \"quiet\": found 1 process")));
  collectd_.time += 3600;
  tree_.Remove(5);
  Pass();
  tree_.Put({.pid = 5, .comm = "a"});
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_NOTICE), Contains(HasSubstr("block \"a\"")));
}

TEST_F(ModuleTest, ProcessThatComesAndGoesHidesNoWarning) {
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"Process",
          {"a"},
          {{"Name", {"a"}, {}},
           {"MaxProcesses", {1}, {}},
           {"PerProcess", {true}, {}}}}});
  for (int pass = 0; pass < 20; ++pass) {
    Pass();
    tree_.Remove(5);
    Pass();
    tree_.Put({.pid = 5, .comm = "a"});
  }
  EXPECT_THAT(collectd_.Lines(LOG_NOTICE), SizeIs(12));
  tree_.Put({.pid = 6, .comm = "a"});
  Pass();
  EXPECT_THAT(collectd_.Lines(LOG_WARNING),
              ElementsAre(HasSubstr("more than MaxProcesses 1")));
}

TEST_F(ModuleTest, PassThatFailsInTurnDoesNotFillTheLog) {
  tree_.Put({.pid = 1, .comm = "init"});
  tree_.Put({.pid = 5, .comm = "a"});
  Start({{"Process", {"a"}, {}}});
  for (int pass = 0; pass < 20; ++pass) {
    Pass();
    const NoDescriptors none;
    Pass();
  }
  EXPECT_THAT(collectd_.Lines(LOG_ERR), SizeIs(6));
  EXPECT_THAT(collectd_.Lines(LOG_NOTICE), SizeIs(6));
  ASSERT_FALSE(collectd_.log.empty());
  EXPECT_THAT(collectd_.log.back().text,
              HasSubstr("further messages suppressed"));
}

TEST_F(ModuleTest, CheckPrintsATableAndReportsNothing) {
  setenv(kCheckVariable, "1", 1);
  tree_.Put({.pid = 5, .comm = "a\x1b[2J"});
  Start({{"Process", {"b"}, {}}, {"ProcessMatch", {"a", "."}, {}}});
  testing::internal::CaptureStdout();
  EXPECT_EQ(collectd_.read(nullptr), 0);
  std::fflush(stdout);
  const std::string table = testing::internal::GetCapturedStdout();
  EXPECT_THAT(table, HasSubstr("\n  5 a\\x1b[2J\n"));
  EXPECT_THAT(table, testing::ContainsRegex(
                         "\nb +- +- +- +- +-\n"
                         "  none of 1 process matches Name \"b\"\n"));
  EXPECT_THAT(collectd_.values, IsEmpty());
}

TEST_F(ModuleTest, CheckWhosePassFailsFails) {
  setenv(kCheckVariable, "1", 1);
  ASSERT_TRUE(Configure({{{"ProcPath", {"/nonexistent"}, {}}}}));
  ASSERT_EQ(collectd_.init(), 0);
  EXPECT_NE(collectd_.read(nullptr), 0);
  EXPECT_THAT(collectd_.Lines(LOG_ERR), ElementsAre(HasSubstr("pass failed")));
}

TEST_F(ModuleTest, CheckPrintsWhatIsSaid) {
  module_register();
  EXPECT_EQ(collectd_.log_callback, nullptr);
  collectd_.shutdown();
  setenv(kCheckVariable, "1", 1);
  module_register();
  ASSERT_NE(collectd_.log_callback, nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  collectd_.log_callback(LOG_ERR, "configfile: no", nullptr);
  collectd_.log_callback(LOG_WARNING, "careful", nullptr);
  collectd_.log_callback(LOG_NOTICE, "No read-functions", nullptr);
  collectd_.log_callback(LOG_INFO, "resource_attribution plugin: on", nullptr);
  std::fflush(stdout);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: configfile: no\nwarning: careful\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "resource_attribution plugin: on\n");
}

}  // namespace
}  // namespace resource_attribution
