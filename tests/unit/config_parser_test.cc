#include "config/config_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "config_item.h"
#include "fake_collectd.h"

namespace resource_attribution {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Children = ConfigTree::Children;
using Node = ConfigTree::Node;

class ConfigParserTest : public testing::Test {
 protected:
  std::vector<std::string> Add(Children options) {
    ConfigTree tree(std::move(options));
    return parser_.Add(ItemFrom(*tree.get()));
  }

  // The Config of a valid configuration with these options.
  Config Parse(Children options) {
    EXPECT_THAT(Add(std::move(options)), IsEmpty());
    return parser_.Take();
  }

  // The Service of a valid block with these options.
  Service ParseBlock(Children options) {
    Config config = Parse({{"Process", {"block"}, std::move(options)}});
    return std::move(config.services.at(0));
  }

  ConfigParser parser_;
};

TEST_F(ConfigParserTest, DefaultsAreThoseOfTheManual) {
  const Config config = Parse({});
  EXPECT_TRUE(config.enabled);
  EXPECT_EQ(config.interval_seconds, std::nullopt);
  EXPECT_EQ(config.proc_path, "/proc");
  EXPECT_EQ(config.cpu_percent_of, CpuPercentOf::kCore);
  EXPECT_EQ(config.discovery, DiscoveryMode::kAuto);
  EXPECT_EQ(config.max_open_files, 16384U);
  ASSERT_EQ(config.services.size(), 1U);
  const Service& daemon = config.services[0];
  EXPECT_EQ(daemon.name, "collectd");
  EXPECT_TRUE(daemon.selectors.self);
  EXPECT_EQ(daemon.memory_type, MemoryType::kRss);
  EXPECT_EQ(daemon.peak_memory, PeakMemory::kVmPeak);
  EXPECT_EQ(daemon.tracing_memory_percent, 1.5);
  EXPECT_EQ(daemon.tracing_cpu_percent, 0.5);
  EXPECT_FALSE(daemon.tracing_detect);
  EXPECT_EQ(daemon.tracing_overhead, TracingOverhead::kEstimate);
  EXPECT_EQ(daemon.compare_window, 10U);
}

TEST_F(ConfigParserTest, SetsEveryPluginOption) {
  const Config config = Parse({{"Enabled", {false}, {}},
                               {"Interval", {2.5}, {}},
                               {"ProcPath", {"/host/proc"}, {}},
                               {"CPUPercentOf", {"Host"}, {}},
                               {"Discovery", {"Scan"}, {}},
                               {"MaxOpenFiles", {100}, {}},
                               {"MemoryType", {"Pss"}, {}},
                               {"PeakMemory", {"VmHWM"}, {}},
                               {"TracingMemoryPercent", {3}, {}},
                               {"TracingCPUPercent", {0.25}, {}},
                               {"TracingDetect", {true}, {}},
                               {"TracingOverhead", {"Threads"}, {}},
                               {"CompareWindow", {3}, {}}});
  EXPECT_FALSE(config.enabled);
  EXPECT_EQ(config.interval_seconds, 2.5);
  EXPECT_EQ(config.proc_path, "/host/proc");
  EXPECT_EQ(config.cpu_percent_of, CpuPercentOf::kHost);
  EXPECT_EQ(config.discovery, DiscoveryMode::kScan);
  EXPECT_EQ(config.max_open_files, 100U);
  const Service& daemon = config.services.at(0);
  EXPECT_EQ(daemon.memory_type, MemoryType::kPss);
  EXPECT_EQ(daemon.peak_memory, PeakMemory::kVmHwm);
  EXPECT_EQ(daemon.tracing_memory_percent, 3);
  EXPECT_EQ(daemon.tracing_cpu_percent, 0.25);
  EXPECT_TRUE(daemon.tracing_detect);
  EXPECT_EQ(daemon.tracing_overhead, TracingOverhead::kThreads);
  EXPECT_EQ(daemon.compare_window, 3U);
}

TEST_F(ConfigParserTest, OptionsAndWordsInAnyCase) {
  const Config config = Parse({{"eNABLED", {"OFF"}, {}},
                               {"cpupercentof", {"HOST"}, {}},
                               {"PEAKMEMORY", {"vmhwm"}, {}},
                               {"process", {"x"}, {{"pidfile", {"/x"}, {}}}}});
  EXPECT_FALSE(config.enabled);
  EXPECT_EQ(config.cpu_percent_of, CpuPercentOf::kHost);
  EXPECT_EQ(config.services.size(), 1U);
}

TEST_F(ConfigParserTest, BooleansInEverySpelling) {
  EXPECT_TRUE(Parse({{"Enabled", {"yes"}, {}}}).enabled);
  EXPECT_TRUE(Parse({{"Enabled", {1}, {}}}).enabled);
  EXPECT_FALSE(Parse({{"Enabled", {0}, {}}}).enabled);
  EXPECT_FALSE(Parse({{"Enabled", {"0"}, {}}}).enabled);
}

TEST_F(ConfigParserTest, SetsEveryBlockOption) {
  const Service block = ParseBlock({{"Self", {true}, {}},
                                    {"PIDFile", {"/run/x.pid"}, {}},
                                    {"Name", {"nginx"}, {}},
                                    {"Executable", {"/usr/sbin/nginx"}, {}},
                                    {"CommandLine", {"^nginx:"}, {}},
                                    {"User", {"www-data"}, {}},
                                    {"Cgroup", {"/system.slice/x-*/"}, {}},
                                    {"SystemdUnit", {"*.service"}, {}},
                                    {"IncludeChildren", {true}, {}},
                                    {"PerProcess", {true}, {}},
                                    {"MaxProcesses", {5}, {}},
                                    {"MaxInstances", {6}, {}},
                                    {"MemoryType", {"Pss"}, {}},
                                    {"PeakMemory", {"VmHWM"}, {}},
                                    {"TracingMemoryPercent", {2}, {}},
                                    {"TracingCPUPercent", {100}, {}}});
  EXPECT_EQ(block.name, "block");
  EXPECT_TRUE(block.selectors.self);
  EXPECT_THAT(block.selectors.pid_files, ElementsAre("/run/x.pid"));
  EXPECT_THAT(block.selectors.names, ElementsAre("nginx"));
  EXPECT_THAT(block.selectors.executables, ElementsAre("/usr/sbin/nginx"));
  ASSERT_EQ(block.selectors.command_lines.size(), 1U);
  EXPECT_EQ(block.selectors.command_lines[0]->pattern(), "^nginx:");
  EXPECT_THAT(block.selectors.users, ElementsAre("www-data"));
  EXPECT_THAT(block.selectors.cgroups,
              ElementsAre(ElementsAre("system.slice", "x-*")));
  EXPECT_THAT(block.selectors.systemd_units, ElementsAre("*.service"));
  EXPECT_TRUE(block.selectors.include_children);
  EXPECT_TRUE(block.per_process);
  EXPECT_EQ(block.max_processes, 5U);
  EXPECT_EQ(block.max_instances, 6U);
  EXPECT_EQ(block.memory_type, MemoryType::kPss);
  EXPECT_EQ(block.peak_memory, PeakMemory::kVmHwm);
  EXPECT_EQ(block.tracing_memory_percent, 2);
  EXPECT_EQ(block.tracing_cpu_percent, 100);
}

TEST_F(ConfigParserTest, SetsEveryOptionOfTracing) {
  const Service block = ParseBlock(
      {{"Name", {"node"}, {}},
       {"TracingDetect", {true}, {}},
       {"TracingOverhead", {"Compared"}, {}},
       {"CompareWindow", {20}, {}},
       {"TracingThread", {"^otel-"}, {}},
       {"TracingThread", {"^span"}, {}},
       {"TracingExportPort", {4317, 4318}, {}},
       {"TracingExportPort", {65535}, {}},
       {"Untraced",
        {},
        {{"CommandLine", {"--canary"}, {}}, {"User", {"canary"}, {}}}},
       {"Component", {"retriever"}, {{"Thread", {"^retr-"}, {}}}},
       {"Component",
        {"other"},
        {{"Thread", {"a"}, {}}, {"Thread", {"b"}, {}}}}});
  EXPECT_EQ(block.tracing_detect, true);
  EXPECT_EQ(block.tracing_overhead, TracingOverhead::kCompared);
  EXPECT_EQ(block.compare_window, 20U);
  EXPECT_EQ(block.tracing_threads.size(), 2U);
  EXPECT_THAT(block.tracing_export_ports, ElementsAre(4317, 4318, 65535));
  ASSERT_TRUE(block.untraced);
  EXPECT_EQ(block.untraced->command_lines.size(), 1U);
  EXPECT_THAT(block.untraced->users, ElementsAre("canary"));
  ASSERT_EQ(block.components.size(), 2U);
  EXPECT_EQ(block.components[0].name, "retriever");
  EXPECT_EQ(block.components[0].threads.size(), 1U);
  EXPECT_EQ(block.components[1].threads.size(), 2U);
  EXPECT_FALSE(block.tracing_process);
  EXPECT_TRUE(
      ParseBlock({{"Name", {"otelcol"}, {}}, {"TracingProcess", {true}, {}}})
          .tracing_process);
}

// A block with a `<Sampling>` block.
Node Sampled(const char* name, Children sampling) {
  return {"Process",
          {name},
          {{"Name", {"x"}, {}},
           {"TracingOverhead", {"Threads"}, {}},
           {"Sampling", {}, std::move(sampling)}}};
}

TEST_F(ConfigParserTest, SetsEveryOptionOfSampling) {
  const Config config = Parse({{"SamplingMode", {"act"}, {}},
                               {"SamplingFile", {"/a/b.json"}, {}},
                               {"SamplingAnswers", {"/a/b"}, {}},
                               {"SamplingDefault", {0.01}, {}},
                               Sampled("one", {{"MaxCPUShare", {2.5}, {}},
                                               {"Ratio", {0.001, 0.1}, {}}}),
                               Sampled("two", {{"Service", {"checkout"}, {}},
                                               {"StepInterval", {60}, {}},
                                               {"MaxCPUShare", {100}, {}},
                                               {"Ratio", {1, 1}, {}}})});
  EXPECT_EQ(config.sampling_mode, SamplingMode::kAct);
  EXPECT_EQ(config.sampling_files.strategies, "/a/b.json");
  EXPECT_EQ(config.sampling_files.answers, "/a/b");
  EXPECT_EQ(config.sampling_files.other_ratio, 0.01);
  ASSERT_EQ(config.services.size(), 2U);
  const Sampling& one = config.services[0].sampling.value();
  EXPECT_EQ(one.service, "one");
  EXPECT_EQ(one.max_cpu_share, 2.5);
  EXPECT_EQ(one.ratios.least, 0.001);
  EXPECT_EQ(one.ratios.greatest, 0.1);
  EXPECT_EQ(one.step_seconds, 180);
  const Sampling& two = config.services[1].sampling.value();
  EXPECT_EQ(two.service, "checkout");
  EXPECT_EQ(two.step_seconds, 60);
}

TEST_F(ConfigParserTest, TwoBlocksCannotControlOneService) {
  const Children sampling = {{"Service", {"checkout"}, {}},
                             {"MaxCPUShare", {3}, {}},
                             {"Ratio", {0.001, 0.1}, {}}};
  EXPECT_THAT(Add({Sampled("a", sampling)}), IsEmpty());
  EXPECT_THAT(Add({Sampled("b", sampling)}),
              ElementsAre("blocks \"a\" and \"b\": <Sampling> of both has the "
                          "Service \"checkout\"; expected services that "
                          "differ"));
}

TEST_F(ConfigParserTest, ComparisonWithoutUntracedLooksWhoIsTraced) {
  const Children compared = {{"Name", {"x"}, {}},
                             {"TracingOverhead", {"Compared"}, {}}};
  EXPECT_TRUE(ParseBlock(compared).DetectsTracing());
  Children with_untraced = compared;
  with_untraced.push_back({"Untraced", {}, {{"Name", {"y"}, {}}}});
  EXPECT_FALSE(ParseBlock(with_untraced).DetectsTracing());
  EXPECT_FALSE(ParseBlock({{"Name", {"x"}, {}}}).DetectsTracing());
}

TEST_F(ConfigParserTest, ErrorsInNestedBlocksNameThemAll) {
  EXPECT_THAT(
      Add({{"Process",
            {"a"},
            {{"Name", {"x"}, {}},
             {"Untraced", {}, {{"PerProcess", {true}, {}}}},
             {"Component",
              {"c"},
              {{"Thread", {"("}, {}}, {"Name", {"y"}, {}}}}}}}),
      ElementsAre(
          AllOf(HasSubstr("<Process \"a\">: <Untraced>: unknown option "
                          "PerProcess true; known here: Self, PIDFile"),
                testing::Not(HasSubstr("Component"))),
          AllOf(HasSubstr("<Process \"a\">: <Component \"c\">: option Thread "
                          "\"(\": expected one RE2 expression")),
          HasSubstr("unknown option Name \"y\"; known here: Thread")));
}

TEST_F(ConfigParserTest, SelectorGivenTwiceAddsUp) {
  const Service block = ParseBlock({{"Name", {"a"}, {}}, {"Name", {"b"}, {}}});
  EXPECT_THAT(block.selectors.names, ElementsAre("a", "b"));
}

TEST_F(ConfigParserTest, UserMayBeANumber) {
  EXPECT_THAT(ParseBlock({{"User", {1000}, {}}}).selectors.users,
              ElementsAre("1000"));
}

TEST_F(ConfigParserTest, BlockInheritsOptionsThatComeAfterIt) {
  const Config config = Parse({{"Process", {"short"}, {}},
                               {"Process",
                                {"own"},
                                {{"Name", {"x"}, {}},
                                 {"TracingMemoryPercent", {8}, {}},
                                 {"TracingDetect", {false}, {}}}},
                               {"TracingMemoryPercent", {7}, {}},
                               {"TracingDetect", {true}, {}},
                               {"TracingOverhead", {"Threads"}, {}}});
  EXPECT_EQ(config.services.at(0).tracing_memory_percent, 7);
  EXPECT_TRUE(config.services[0].DetectsTracing());
  EXPECT_EQ(config.services[0].tracing_overhead, TracingOverhead::kThreads);
  EXPECT_EQ(config.services.at(1).tracing_memory_percent, 8);
  EXPECT_FALSE(config.services[1].DetectsTracing());
  EXPECT_EQ(config.services[1].tracing_overhead, TracingOverhead::kThreads);
}

TEST_F(ConfigParserTest, InheritedOptionsDoNotMakeABlockInvalid) {
  const Config config =
      Parse({{"TracingDetect", {false}, {}},
             {"TracingOverhead", {"Threads"}, {}},
             {"Process",
              {"compared"},
              {{"Name", {"x"}, {}}, {"TracingOverhead", {"Compared"}, {}}}},
             {"Process",
              {"collector"},
              {{"Name", {"y"}, {}}, {"TracingProcess", {true}, {}}}}});
  EXPECT_TRUE(config.services.at(0).DetectsTracing());
  EXPECT_TRUE(config.services.at(1).tracing_process);
}

TEST_F(ConfigParserTest, InvalidOptionOfThePluginIsNotInherited) {
  EXPECT_EQ(
      Add({{"CompareWindow", {3}, {}}, {"CompareWindow", {0}, {}}}).size(), 1U);
  EXPECT_EQ(parser_.Take().services.at(0).compare_window, 3U);
}

TEST_F(ConfigParserTest, ShortForms) {
  const Config config = Parse(
      {{"Process", {"nginx"}, {}}, {"ProcessMatch", {"pg", "^postgres:"}, {}}});
  ASSERT_EQ(config.services.size(), 2U);
  EXPECT_EQ(config.services[0].name, "nginx");
  EXPECT_THAT(config.services[0].selectors.names, ElementsAre("nginx"));
  EXPECT_EQ(config.services[1].name, "pg");
  EXPECT_EQ(config.services[1].selectors.command_lines.at(0)->pattern(),
            "^postgres:");
}

TEST_F(ConfigParserTest, PluginBlocksAddUpAndTheLastValueHolds) {
  EXPECT_THAT(Add({{"Interval", {10}, {}}, {"Process", {"a"}, {}}}), IsEmpty());
  EXPECT_THAT(Add({{"Interval", {20}, {}}, {"Process", {"b"}, {}}}), IsEmpty());
  const Config config = parser_.Take();
  EXPECT_EQ(config.interval_seconds, 20);
  EXPECT_EQ(config.services.size(), 2U);
}

TEST_F(ConfigParserTest, BlockNamesMayBeAnyPlainUtf8) {
  for (const std::string& name :
       {std::string("x"), std::string(127, 'x'), std::string("a b\"c\\d"),
        std::string("bestell\xc3\xbc"
                    "bersicht")}) {
    EXPECT_EQ(Parse({{"Process", {name}, {}}}).services.at(0).name, name);
  }
}

TEST_F(ConfigParserTest, BlockHasTheBoundsOfTheManual) {
  const Service block = ParseBlock({{"Name", {"x"}, {}}});
  EXPECT_FALSE(block.selectors.include_children);
  EXPECT_FALSE(block.per_process);
  EXPECT_EQ(block.max_processes, 64U);
  EXPECT_EQ(block.max_instances, 256U);
}

TEST_F(ConfigParserTest, NamesMayHoldPlaceholders) {
  EXPECT_THAT(
      Add({{"Process",
            {"${comm} ${user} ${unit} ${cgroup}"},
            {{"User", {"x"}, {}}}},
           {"ProcessMatch", {"${jar}", "(?P<jar>[^/]+)\\.jar"}, {}},
           {"Process",
            {"${a}"},
            {{"CommandLine", {"x"}, {}}, {"CommandLine", {"(?P<a>y)"}, {}}}}}),
      IsEmpty());
}

TEST_F(ConfigParserTest, UnknownPlaceholderIsToldWhatIsKnown) {
  EXPECT_THAT(
      Add({{"ProcessMatch", {"${jar}", "(?P<war>x)"}, {}},
           {"Process", {"x ${}"}, {{"Name", {"x"}, {}}}}}),
      ElementsAre("ProcessMatch \"${jar}\" \"(?P<war>x)\": unknown placeholder "
                  "${jar}: expected ${comm}, ${user}, ${unit}, ${cgroup} or "
                  "the name of a group (?P<name>...) of the block's "
                  "CommandLine",
                  AllOf(HasSubstr("<Process \"x ${}\"> Name \"x\""),
                        HasSubstr("unknown placeholder ${}"))));
}

TEST_F(ConfigParserTest, TwoBlocksOfOneNameAreNamedBoth) {
  EXPECT_THAT(Add({{"Process", {"x"}, {{"PIDFile", {"/x.pid"}, {}}}}}),
              IsEmpty());
  EXPECT_THAT(
      Add({{"ProcessMatch", {"x", "^x"}, {}}}),
      ElementsAre("block \"x\" is there twice: first as `<Process \"x\"> "
                  "PIDFile \"/x.pid\"`, again as `ProcessMatch \"x\" \"^x\"`; "
                  "expected names that differ"));
}

TEST_F(ConfigParserTest, AllErrorsAreReportedAtOnce) {
  const auto errors =
      Add({{"Interval", {0}, {}},
           {"Bogus", {"x"}, {}},
           {"Process",
            {"a"},
            {{"PIDFile", {"relative"}, {}}, {"CommandLine", {"(["}, {}}}},
           {"Process", {"b/c"}, {}}});
  EXPECT_THAT(errors,
              ElementsAre(HasSubstr("Interval 0"), HasSubstr("Bogus \"x\""),
                          HasSubstr("PIDFile \"relative\""),
                          HasSubstr("CommandLine \"([\""),
                          HasSubstr("Process \"b/c\"")));
}

TEST_F(ConfigParserTest, UnknownOptionIsToldWhatIsKnownThere) {
  EXPECT_THAT(Add({{"Intervall", {60}, {}}}),
              ElementsAre(AllOf(HasSubstr("unknown option Intervall 60"),
                                HasSubstr("Enabled, Interval, ProcPath"),
                                HasSubstr("Process, ProcessMatch"))));
  EXPECT_THAT(Add({{"Process", {"x"}, {{"Interval", {60}, {}}}}}),
              ElementsAre(AllOf(
                  HasSubstr("<Process \"x\">: unknown option Interval 60"),
                  HasSubstr("Self, PIDFile, Name"))));
}

TEST_F(ConfigParserTest, ErrorCannotForgeALogLine) {
  EXPECT_THAT(Add({{"ProcPath", {"x\nERROR\x1b[31m"}, {}}}),
              ElementsAre(HasSubstr("ProcPath \"x\\x0aERROR\\x1b[31m\"")));
}

TEST_F(ConfigParserTest, LongValueIsCutInTheError) {
  const auto errors = Add({{"ProcPath", {std::string(5000, 'x')}, {}}});
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_LT(errors[0].size(), 400U);
}

struct Invalid {
  const char* name;
  Node option;
  const char* expected;
};

class InvalidOption : public ConfigParserTest,
                      public testing::WithParamInterface<Invalid> {};

TEST_P(InvalidOption, IsAnErrorThatSaysWhatWouldBeValid) {
  EXPECT_THAT(Add({GetParam().option}),
              ElementsAre(AllOf(HasSubstr(GetParam().option.key),
                                HasSubstr(GetParam().expected))));
}

constexpr const char* kSeconds = "expected a number of seconds from 0.1";
constexpr const char* kPercent = "expected a number from 0 to 100";
constexpr const char* kBlockName = "expected one name of 1 to 127 bytes";
constexpr const char* kPath = "expected one absolute path";
constexpr const char* kBoolean = "expected true or false";
constexpr const char* kCgroup = "expected one path of a cgroup";
constexpr const char* kUnit = "expected one name of a systemd unit";
constexpr const char* kExpression = "expected one RE2 expression";

constexpr const char* kRatio = "expected the least and the greatest ratio";
constexpr const char* kSamplingBlock =
    "expected <Sampling> with MaxCPUShare and Ratio";
constexpr const char* kPorts = "expected TCP ports from 1 to 65535";

Node InBlock(Node option) { return {"Process", {"x"}, {std::move(option)}}; }

INSTANTIATE_TEST_SUITE_P(
    ConfigParser, InvalidOption,
    testing::Values(
        Invalid{"EnabledWord", {"Enabled", {"maybe"}, {}}, kBoolean},
        Invalid{"EnabledNumber", {"Enabled", {2}, {}}, kBoolean},
        Invalid{"EnabledNothing", {"Enabled", {}, {}}, kBoolean},
        Invalid{"EnabledTwice", {"Enabled", {true, true}, {}}, kBoolean},
        Invalid{"IntervalZero", {"Interval", {0}, {}}, kSeconds},
        Invalid{"IntervalSmall", {"Interval", {0.099}, {}}, kSeconds},
        Invalid{"IntervalNegative", {"Interval", {-60}, {}}, kSeconds},
        Invalid{"IntervalHuge", {"Interval", {1e12}, {}}, kSeconds},
        Invalid{"IntervalNan", {"Interval", {NAN}, {}}, kSeconds},
        Invalid{"IntervalInfinite", {"Interval", {INFINITY}, {}}, kSeconds},
        Invalid{"IntervalString", {"Interval", {"60"}, {}}, "without quotes"},
        Invalid{"IntervalBoolean", {"Interval", {true}, {}}, kSeconds},
        Invalid{"IntervalBlock", {"Interval", {60}, {{"x", {}, {}}}}, kSeconds},
        Invalid{"ProcPathRelative", {"ProcPath", {"proc"}, {}}, kPath},
        Invalid{"ProcPathEmpty", {"ProcPath", {""}, {}}, kPath},
        Invalid{"ProcPathNumber", {"ProcPath", {1}, {}}, kPath},
        Invalid{"ProcPathLong",
                {"ProcPath", {"/" + std::string(4095, 'x')}, {}},
                kPath},
        Invalid{"CpuPercentOf",
                {"CPUPercentOf", {"Cpu"}, {}},
                "expected \"Core\" or \"Host\""},
        Invalid{"CpuPercentOfNumber",
                {"CPUPercentOf", {1}, {}},
                "expected \"Core\" or \"Host\""},
        Invalid{"PeakMemory",
                {"PeakMemory", {"VmRSS"}, {}},
                "expected \"VmPeak\" or \"VmHWM\""},
        Invalid{"MemoryPercentNegative",
                {"TracingMemoryPercent", {-0.1}, {}},
                kPercent},
        Invalid{"MemoryPercentLarge",
                {"TracingMemoryPercent", {100.1}, {}},
                kPercent},
        Invalid{"CpuPercentNan", {"TracingCPUPercent", {NAN}, {}}, kPercent},
        Invalid{"CpuPercentString", {"TracingCPUPercent", {"1"}, {}}, kPercent},
        Invalid{"ProcessNothing", {"Process", {}, {}}, kBlockName},
        Invalid{"ProcessTwoNames", {"Process", {"a", "b"}, {}}, kBlockName},
        Invalid{"ProcessNumber", {"Process", {5}, {}}, kBlockName},
        Invalid{"ProcessEmpty", {"Process", {""}, {}}, kBlockName},
        Invalid{"ProcessSlash", {"Process", {"a/b"}, {}}, kBlockName},
        Invalid{"ProcessControl", {"Process", {"a\tb"}, {}}, kBlockName},
        Invalid{"ProcessControlC1", {"Process", {"a\xc2\x85"}, {}}, kBlockName},
        Invalid{"ProcessNoUtf8", {"Process", {"a\xff"}, {}}, kBlockName},
        Invalid{"ProcessLong",
                {"Process", {std::string(128, 'x')}, {}},
                kBlockName},
        Invalid{"MatchOneArgument", {"ProcessMatch", {"a"}, {}}, kBlockName},
        Invalid{"MatchNumber", {"ProcessMatch", {"a", 5}, {}}, kBlockName},
        Invalid{"MatchEmpty", {"ProcessMatch", {"a", ""}, {}}, kExpression},
        Invalid{"MatchExpression",
                {"ProcessMatch", {"a", "a{2000}"}, {}},
                kExpression},
        Invalid{"MatchBlock",
                {"ProcessMatch", {"a", "b\\.c"}, {{"PerProcess", {true}, {}}}},
                "expected such a line, or <Process \"a\"> with CommandLine "
                "\"b\\\\.c\" and the options in it"},
        Invalid{"NoSelector", InBlock({"PeakMemory", {"VmHWM"}, {}}),
                "expected a selector: one of Self true, PIDFile"},
        Invalid{"SelfFalse", InBlock({"Self", {false}, {}}),
                "expected a selector"},
        Invalid{"SelfWord", InBlock({"Self", {"me"}, {}}), kBoolean},
        Invalid{"PidFileRelative", InBlock({"PIDFile", {"x.pid"}, {}}), kPath},
        Invalid{"PidFileTwo", InBlock({"PIDFile", {"/a", "/b"}, {}}), kPath},
        Invalid{"NameEmpty", InBlock({"Name", {""}, {}}),
                "expected one command name"},
        Invalid{"NameNumber", InBlock({"Name", {7}, {}}),
                "expected one command name"},
        Invalid{"NameControl", InBlock({"Name", {"a\x7f"}, {}}),
                "expected one command name"},
        Invalid{"ExecutableRelative", InBlock({"Executable", {"nginx"}, {}}),
                kPath},
        Invalid{"CommandLineBroken", InBlock({"CommandLine", {"(["}, {}}),
                "missing ]"},
        Invalid{"CommandLineEmpty", InBlock({"CommandLine", {""}, {}}),
                kExpression},
        Invalid{"CommandLineNumber", InBlock({"CommandLine", {5}, {}}),
                kExpression},
        Invalid{"UserEmpty", InBlock({"User", {""}, {}}),
                "expected one user name"},
        Invalid{"UserNegative", InBlock({"User", {-1}, {}}),
                "expected one user name"},
        Invalid{"UserFraction", InBlock({"User", {1.5}, {}}),
                "expected one user name"},
        Invalid{"ShortFormWithPlaceholder",
                {"Process", {"${comm}"}, {}},
                "expected a block with selectors"},
        Invalid{"Discovery",
                {"Discovery", {"Magic"}, {}},
                "expected \"Auto\" or \"Events\" or \"Scan\""},
        Invalid{"MaxOpenFilesNegative",
                {"MaxOpenFiles", {-1}, {}},
                "expected a whole number from 0 to 1048576"},
        Invalid{"MaxOpenFilesFraction",
                {"MaxOpenFiles", {1.5}, {}},
                "expected a whole number"},
        Invalid{"MemoryType",
                {"MemoryType", {"Uss"}, {}},
                "expected \"Rss\" or \"Pss\""},
        Invalid{"CgroupEmpty", InBlock({"Cgroup", {""}, {}}), kCgroup},
        Invalid{"CgroupNumber", InBlock({"Cgroup", {1}, {}}), kCgroup},
        Invalid{"CgroupUpwards", InBlock({"Cgroup", {"a/../b"}, {}}), kCgroup},
        Invalid{"CgroupControl", InBlock({"Cgroup", {"a\nb"}, {}}), kCgroup},
        Invalid{"UnitWithoutSuffix", InBlock({"SystemdUnit", {"nginx"}, {}}),
                kUnit},
        Invalid{"UnitPath", InBlock({"SystemdUnit", {"a.slice/b.service"}, {}}),
                kUnit},
        Invalid{"UnitEmpty", InBlock({"SystemdUnit", {""}, {}}), kUnit},
        Invalid{"IncludeChildren", InBlock({"IncludeChildren", {2}, {}}),
                kBoolean},
        Invalid{"PerProcess", InBlock({"PerProcess", {"all"}, {}}), kBoolean},
        Invalid{"MaxProcessesZero", InBlock({"MaxProcesses", {0}, {}}),
                "expected a whole number from 1 to 65536"},
        Invalid{"MaxInstancesLarge", InBlock({"MaxInstances", {65537}, {}}),
                "expected a whole number from 1 to 65536"},
        Invalid{"BlockMemoryType", InBlock({"MemoryType", {5}, {}}),
                "expected \"Rss\" or \"Pss\""},
        Invalid{"OverheadOfThePlugin",
                {"TracingOverhead", {"Compared"}, {}},
                "expected \"Estimate\" or \"Threads\""},
        Invalid{"Overhead", InBlock({"TracingOverhead", {"Measured"}, {}}),
                "expected \"Estimate\" or \"Threads\" or \"Compared\""},
        Invalid{"Detect", {"TracingDetect", {"perhaps"}, {}}, kBoolean},
        Invalid{"CompareWindow",
                {"CompareWindow", {0}, {}},
                "expected a whole number from 1 to 10000"},
        Invalid{"TracingThread", InBlock({"TracingThread", {""}, {}}),
                kExpression},
        Invalid{"TracingProcess", InBlock({"TracingProcess", {5}, {}}),
                kBoolean},
        Invalid{"PortZero", InBlock({"TracingExportPort", {0}, {}}), kPorts},
        Invalid{"PortLarge", InBlock({"TracingExportPort", {65536}, {}}),
                kPorts},
        Invalid{"PortFraction", InBlock({"TracingExportPort", {1.5}, {}}),
                kPorts},
        Invalid{"PortString", InBlock({"TracingExportPort", {"4317"}, {}}),
                kPorts},
        Invalid{"PortNothing", InBlock({"TracingExportPort", {}, {}}), kPorts},
        Invalid{"UntracedEmpty", InBlock({"Untraced", {}, {}}),
                "expected <Untraced> with a selector"},
        Invalid{"UntracedNamed",
                InBlock({"Untraced", {"x"}, {{"Name", {"y"}, {}}}}),
                "expected <Untraced> with a selector"},
        Invalid{"UntracedTwice",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"Untraced", {}, {{"Name", {"y"}, {}}}},
                  {"Untraced", {}, {{"Name", {"z"}, {}}}}}},
                "is there twice; expected one"},
        Invalid{"ComparedUndetected",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"TracingOverhead", {"Compared"}, {}},
                  {"TracingDetect", {false}, {}}}},
                "expected true, or <Untraced>"},
        Invalid{"ComponentEmpty", InBlock({"Component", {"c"}, {}}),
                "expected Thread"},
        Invalid{"ComponentNameless",
                InBlock({"Component", {}, {{"Thread", {"y"}, {}}}}),
                kBlockName},
        Invalid{"ComponentSlash",
                InBlock({"Component", {"a/b"}, {{"Thread", {"y"}, {}}}}),
                kBlockName},
        Invalid{"ComponentTwice",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"Component", {"c"}, {{"Thread", {"y"}, {}}}},
                  {"Component", {"c"}, {{"Thread", {"z"}, {}}}}}},
                "is there twice"},
        Invalid{"ComparedPerProcess",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"TracingOverhead", {"Compared"}, {}},
                  {"PerProcess", {true}, {}}}},
                "expected a block without PerProcess"},
        Invalid{"ComparedPlaceholders",
                {"Process",
                 {"${comm}"},
                 {{"Name", {"x"}, {}}, {"TracingOverhead", {"Compared"}, {}}}},
                "name without placeholders"},
        Invalid{"TracingProcessCompared",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"TracingOverhead", {"Threads"}, {}},
                  {"TracingProcess", {true}, {}}}},
                "expected no TracingOverhead beside it"},
        Invalid{"PerProcessComponent",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"PerProcess", {true}, {}},
                  {"Component", {"c"}, {{"Thread", {"y"}, {}}}}}},
                "expected no Component"},
        Invalid{"SamplingModeUnknown",
                {"SamplingMode", {"On"}, {}},
                "expected \"Observe\" or \"Act\""},
        Invalid{
            "SamplingFileRelative", {"SamplingFile", {"a.json"}, {}}, kPath},
        Invalid{"SamplingDefaultLarge",
                {"SamplingDefault", {1.1}, {}},
                "expected a number from 0 to 1"},
        Invalid{"SamplingEmpty", Sampled("x", {}), kSamplingBlock},
        Invalid{"SamplingWithoutRatio",
                Sampled("x", {{"MaxCPUShare", {3}, {}}}), kSamplingBlock},
        Invalid{"SamplingWithoutLimit",
                Sampled("x", {{"Ratio", {0.1, 0.2}, {}}}), kSamplingBlock},
        Invalid{
            "SamplingRatiosSwapped",
            Sampled("x", {{"MaxCPUShare", {3}, {}}, {"Ratio", {0.2, 0.1}, {}}}),
            kRatio},
        Invalid{"SamplingOneRatio", Sampled("x", {{"Ratio", {0.1}, {}}}),
                kRatio},
        Invalid{"SamplingThreeRatios",
                Sampled("x", {{"Ratio", {0.1, 0.2, 0.3}, {}}}), kRatio},
        Invalid{"SamplingRatioZero", Sampled("x", {{"Ratio", {0, 0.1}, {}}}),
                kRatio},
        Invalid{"SamplingRatioLarge", Sampled("x", {{"Ratio", {0.1, 2}, {}}}),
                kRatio},
        Invalid{"SamplingRatioText",
                Sampled("x", {{"Ratio", {"0.1", "0.2"}, {}}}), kRatio},
        Invalid{"SamplingLimitZero", Sampled("x", {{"MaxCPUShare", {0}, {}}}),
                "expected a number from 0.1 to 100"},
        Invalid{"SamplingStepShort",
                Sampled("x", {{"StepInterval", {0.5}, {}}}),
                "expected a number from 1 to 86400"},
        Invalid{"SamplingServicePath", Sampled("x", {{"Service", {"a/b"}, {}}}),
                "expected one service.name"},
        Invalid{"SamplingServiceHidden",
                Sampled("x", {{"Service", {".."}, {}}}),
                "expected one service.name"},
        Invalid{"SamplingOfAnEstimate",
                {"Process",
                 {"x"},
                 {{"Name", {"x"}, {}},
                  {"Sampling",
                   {},
                   {{"MaxCPUShare", {3}, {}}, {"Ratio", {0.1, 1}, {}}}}}},
                "expected TracingOverhead \"Compared\" or \"Threads\" in the "
                "block"},
        Invalid{"SamplingPlaceholders",
                Sampled("${comm}",
                        {{"MaxCPUShare", {3}, {}}, {"Ratio", {0.1, 1}, {}}}),
                "a name without placeholders"},
        Invalid{"BlockPercent", InBlock({"TracingMemoryPercent", {101}, {}}),
                kPercent}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace resource_attribution
