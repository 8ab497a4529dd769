#include "sampler/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "proc_tree.h"

namespace resource_attribution {
namespace {

using Kind = Notice::Kind;
using std::chrono::seconds;

// Passes over a directory tree, a second apart unless the test says otherwise.
class SamplerTest : public testing::Test {
 protected:
  void AddBlock(const std::string& name, const std::string& comm) {
    Service block{.name = name};
    block.selectors.names = {comm};
    config_.services.push_back(std::move(block));
  }

  procfs::Result<void> TryPass() {
    if (!sampler_) {
      config_.proc_path = tree_.path();
      // None is kept: those of a tree that is removed could still be read.
      config_.max_open_files = 0;
      sampler_.emplace(std::move(config_), [this] { return ReadClock(); });
    }
    auto pass = sampler_->Pass(report_);
    now_.monotonic += seconds(1);
    now_.since_boot += seconds(1);
    return pass;
  }

  procfs::Instant ReadClock() {
    const procfs::Instant now = now_;
    now_.monotonic += clock_step_;
    now_.since_boot += clock_step_;
    if (on_clock_) on_clock_();
    return now;
  }

  void Pass() {
    const auto pass = TryPass();
    ASSERT_TRUE(pass) << pass.error().Message();
  }

  // Blocks are called by their number unless the test says otherwise.
  std::optional<Values> ValuesOf(size_t block) {
    return ValuesOf(sampler_->config().services.at(block).name);
  }

  std::optional<Values> ValuesOf(const std::string& instance) {
    for (const SeriesReport& report : report_.series) {
      if (report.name == instance) return report.values;
    }
    return std::nullopt;
  }

  // What the pass says of a service; empty when nothing of that kind.
  std::string Said(size_t service, Notice::Kind kind) const {
    const Notice* notice = report_.Find(service, kind);
    return notice == nullptr ? "" : notice->text;
  }

  ProcTree tree_;
  Config config_;
  procfs::Instant now_{
      .monotonic = std::chrono::steady_clock::time_point(seconds(5000)),
      .since_boot = seconds(5000)};
  // By how much each look at the clock moves it, and what happens then. It is
  // looked at when a pass begins, and before and after `stat` of each process.
  std::chrono::nanoseconds clock_step_{};
  std::function<void()> on_clock_;
  std::optional<Sampler> sampler_;
  PassReport report_;
  const uint64_t ticks_per_second_ = sysconf(_SC_CLK_TCK);
};

TEST_F(SamplerTest, ReportsFiveValuesFromTheSecondPassOn) {
  tree_.Put({.pid = 5, .comm = "a", .utime = 100, .stime = 50});
  AddBlock("block", "a");
  Pass();
  ASSERT_TRUE(ValuesOf(0));
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 1024000);
  EXPECT_EQ(ValuesOf(0)->process_memory_peak_bytes, 3072000);
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, std::nullopt);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 15360);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);

  tree_.Put({.pid = 5,
             .comm = "a",
             .utime = 100 + ticks_per_second_ / 4,
             .stime = 50 + ticks_per_second_ / 4});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 50);
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 0);
}

TEST_F(SamplerTest, CpuIsMeasuredOverTheTimeThatReallyPassed) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  Pass();
  now_.monotonic += seconds(9);
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 10);
}

TEST_F(SamplerTest, BlockIsTheSumOfItsProcesses) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  tree_.Put({.pid = 7, .comm = "b"});
  AddBlock("block", "a");
  Pass();
  EXPECT_EQ(report_.processes[0], 2U);
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 2048000);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 1);
}

TEST_F(SamplerTest, ProcessOfTwoBlocksCountsInBoth) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("one", "a");
  AddBlock("two", "a");
  Pass();
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 100);
  EXPECT_EQ(ValuesOf(1)->process_cpu_percent, 100);
}

TEST_F(SamplerTest, ReusedPidStartsANewBaseline) {
  tree_.Put({.pid = 5, .comm = "a", .utime = 900000, .start_time = 1000});
  AddBlock("block", "a");
  Pass();
  const uint64_t start = 5000 * ticks_per_second_ + 1;
  tree_.Put({.pid = 5,
             .comm = "a",
             .utime = ticks_per_second_ / 2,
             .start_time = start});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 50);
}

TEST_F(SamplerTest, MemberThatStartsCountsFromItsStart) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  Pass();
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_ / 10});
  tree_.Put({.pid = 6,
             .comm = "a",
             .utime = ticks_per_second_ / 5,
             .start_time = 5000 * ticks_per_second_ + 50});
  Pass();
  EXPECT_DOUBLE_EQ(ValuesOf(0)->process_cpu_percent.value(), 30);
}

// It had run for an hour under another name: that hour is no usage of this
// second.
TEST_F(SamplerTest, MemberThatJoinsByRenamingBringsNothingAlong) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "b", .utime = 360000});
  AddBlock("block", "a");
  Pass();
  tree_.Put({.pid = 6, .comm = "a", .utime = 360000});
  Pass();
  EXPECT_EQ(report_.processes[0], 2U);
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 0);
  tree_.Put({.pid = 6, .comm = "a", .utime = 360000 + ticks_per_second_});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 100);
}

TEST_F(SamplerTest, MemberThatLeavesTakesNothingAway) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a", .utime = 360000});
  AddBlock("block", "a");
  Pass();
  tree_.Remove(6);
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 100);
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 1024000);
}

TEST_F(SamplerTest, NoProcessNoValues) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("gone", "x");
  AddBlock("there", "a");
  Pass();
  EXPECT_EQ(report_.processes[0], 0U);
  EXPECT_FALSE(ValuesOf(0));
  EXPECT_TRUE(ValuesOf(1));
}

TEST_F(SamplerTest, KernelThreadHasNoMemoryButCpu) {
  tree_.Put(
      {.pid = 2, .comm = "kthreadd", .flags = 0x208040, .has_memory = false});
  AddBlock("kernel", "kthreadd");
  Pass();
  tree_.Put({.pid = 2,
             .comm = "kthreadd",
             .flags = 0x208040,
             .stime = ticks_per_second_,
             .has_memory = false});
  Pass();
  ASSERT_TRUE(ValuesOf(0));
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 0);
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 100);
}

// A process that ends between the two reads: never half its values.
TEST_F(SamplerTest, ProcessThatEndsDuringThePassIsSkippedWhole) {
  // PF_EXITING
  tree_.Put({.pid = 5, .comm = "a", .flags = 0x400004, .has_memory = false});
  tree_.Put({.pid = 6, .comm = "a"});
  tree_.Put({.pid = 7, .comm = "a"});
  std::filesystem::remove(tree_.path() + "/7/status");
  AddBlock("block", "a");
  Pass();
  EXPECT_EQ(report_.processes[0], 1U);
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 1024000);
  EXPECT_EQ(Said(0, Kind::kProblem), "");
}

// gVisor's kernel shows VmRSS alone.
TEST_F(SamplerTest, ValueWhoseFieldIsMissingIsAbsentAndTheOthersAreThere) {
  tree_.Put({.pid = 5, .comm = "a", .has_peaks = false});
  tree_.Put({.pid = 6, .comm = "a"});
  AddBlock("block", "a");
  Pass();
  Pass();
  EXPECT_EQ(report_.processes[0], 2U);
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 2048000);
  EXPECT_EQ(ValuesOf(0)->process_memory_peak_bytes, std::nullopt);
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 0);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 30720);
  EXPECT_THAT(Said(0, Kind::kMissingFields),
              testing::HasSubstr("VmPeak for process_memory_peak_bytes"));
  EXPECT_EQ(Said(0, Kind::kProblem), "");
}

TEST_F(SamplerTest, ProcessWithoutAnyMemoryLineHasCpu) {
  tree_.Put({.pid = 5, .comm = "a", .has_memory = false});
  AddBlock("block", "a");
  config_.services[0].peak_memory = PeakMemory::kVmHwm;
  Pass();
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, std::nullopt);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 0);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
  EXPECT_THAT(Said(0, Kind::kMissingFields),
              testing::HasSubstr("VmRSS for process_memory_bytes, VmHWM for "
                                 "process_memory_peak_bytes"));
}

// Its lists have PIDs of another namespace: 5 there is not 5 here.
TEST_F(SamplerTest, CgroupsOfAForeignProcfsAreReadFromEachProcess) {
  tree_.SetSelf(1);
  const TemporaryDirectory cgroups;
  const auto unit = cgroups.path() / "system.slice" / "a.service";
  std::filesystem::create_directories(unit);
  Write(unit / "cgroup.procs", "5\n0\n");
  tree_.Put({.pid = 1});
  Write(tree_.path() + "/1/mounts",
        "cgroup2 " + cgroups.path().string() + " cgroup2 rw 0 0\n");
  tree_.Put({.pid = 5, .vm_rss_kb = 1});
  tree_.Put({.pid = 6, .cgroup = "0::/system.slice/a.service\n"});
  Service by_unit{.name = "unit"};
  by_unit.selectors.systemd_units = {"a.service"};
  Service by_cgroup{.name = "cgroup"};
  by_cgroup.selectors.cgroups = {
      discovery::SplitCgroupPath("system.slice/a.service")};
  config_.services.push_back(std::move(by_unit));
  config_.services.push_back(std::move(by_cgroup));
  Pass();
  EXPECT_EQ(ValuesOf("unit")->process_memory_bytes, 1024000);
  EXPECT_EQ(ValuesOf("cgroup")->process_memory_bytes, 1024000);
  EXPECT_THAT(*sampler_->ChooseDiscovery(),
              testing::HasSubstr("SystemdUnit and Cgroup are read from each "
                                 "process"));
}

TEST_F(SamplerTest, StatusThatMakesNoSenseIsSaid) {
  tree_.Put({.pid = 5, .comm = "a"});
  Write(tree_.path() + "/5/status", "VmRSS:\tmuch\n");
  AddBlock("block", "a");
  Pass();
  EXPECT_FALSE(ValuesOf(0));
  EXPECT_THAT(
      Said(0, Kind::kProblem),
      testing::HasSubstr("/proc/PID/status: expected a size in kB as VmRSS"));
}

TEST_F(SamplerTest, EachServiceHasOptionsOfItsOwn) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("own", "a");
  AddBlock("default", "a");
  config_.services[0].tracing_memory_percent = 20;
  config_.services[0].tracing_cpu_percent = 3;
  config_.services[1].tracing_memory_percent = 10;
  config_.services[0].peak_memory = PeakMemory::kVmHwm;
  Pass();
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 204800);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 3);
  EXPECT_EQ(ValuesOf(0)->process_memory_peak_bytes, 2048000);
  EXPECT_EQ(ValuesOf(1)->tracing_memory_overhead_bytes, 102400);
  EXPECT_EQ(ValuesOf(1)->process_memory_peak_bytes, 3072000);
}

TEST_F(SamplerTest, ShareOfTheHostDividesByTheOnlineCpus) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  config_.cpu_percent_of = CpuPercentOf::kHost;
  Pass();
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent,
            100.0 / static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
}

TEST_F(SamplerTest, ProcfsMayBeMountedLater) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  config_.proc_path = tree_.path() + "/host";
  const std::string path = config_.proc_path;
  sampler_.emplace(std::move(config_), [this] { return now_; });
  auto pass = TryPass();
  ASSERT_FALSE(pass);
  EXPECT_EQ(pass.error().Message(), path + ": No such file or directory");
  std::filesystem::create_directory(path);
  pass = TryPass();
  ASSERT_FALSE(pass);
  EXPECT_EQ(pass.error().Message(), path + ": expected a procfs mounted there");
  std::filesystem::remove(path);
  std::filesystem::create_symlink(".", path);
  Pass();
  EXPECT_TRUE(ValuesOf(0));
}

// What a pass of its own length measures is by the clock of each reading.
TEST_F(SamplerTest, SlowPassMeasuresEachProcessByItsOwnReadings) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "b"});
  AddBlock("a", "a");
  AddBlock("b", "b");
  clock_step_ = seconds(1);
  Pass();  // begins at 0, reads 5 from 1 to 2 and 6 from 3 to 4
  tree_.Remove(5);
  tree_.Put({.pid = 6, .comm = "b", .utime = ticks_per_second_});
  Pass();  // begins at 6, reads 6 from 7 to 8
  EXPECT_EQ(ValuesOf(1)->process_cpu_percent, 20);
}

// It was not there when the pass began that might have listed it.
TEST_F(SamplerTest, ProcessStartedDuringAPassCountsFromItsStart) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("a", "a");
  AddBlock("b", "b");
  clock_step_ = seconds(1);
  const uint64_t start = 5001 * ticks_per_second_;
  Pass();  // from 5000 to 5003
  tree_.Put(
      {.pid = 6, .comm = "b", .utime = ticks_per_second_, .start_time = start});
  Pass();  // begins at 5004, reads 6 from 5007 to 5008
  EXPECT_EQ(ValuesOf(1)->process_cpu_percent, 12.5);
}

// collectd runs the next pass at once after one that was late.
TEST_F(SamplerTest, PassThatFollowsAtOnceMeasuresNoCpuAndLosesNone) {
  config_.interval_seconds = 1;
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  Pass();
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_ / 2});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 50);
  now_.monotonic -= std::chrono::milliseconds(999);
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_ / 2 + 1});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 1024000);
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, std::nullopt);
  now_.monotonic -= std::chrono::milliseconds(1);
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_});
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 50);
}

// Another process gets the PID between finding and reading.
TEST_F(SamplerTest, PidReusedWithinAPassIsNotRead) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  AddBlock("block", "a");
  int looks = 0;
  on_clock_ = [this, &looks] {
    if (++looks == 2) {
      tree_.Put({.pid = 6, .comm = "other", .start_time = 2000});
    }
  };
  Pass();
  EXPECT_EQ(report_.processes[0], 1U);
}

TEST_F(SamplerTest, OutOfDescriptorsWhileReadingFailsThePass) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  config_.services[0].memory_type = MemoryType::kPss;
  std::optional<NoDescriptors> none;
  int looks = 0;
  on_clock_ = [&none, &looks] {
    if (++looks == 2) none.emplace();
  };
  const auto pass = TryPass();
  none.reset();
  ASSERT_FALSE(pass);
  EXPECT_EQ(pass.error().Message(), "/proc/PID: Too many open files");
}

// After a pass that could not tell anything, CPU is measured from the last one
// that could.
TEST_F(SamplerTest, FailedPassLosesNothing) {
  tree_.Put({.pid = 5, .comm = "a"});
  AddBlock("block", "a");
  Pass();
  tree_.Put({.pid = 5, .comm = "a", .utime = ticks_per_second_});
  procfs::Result<void> pass;
  {
    const NoDescriptors none;
    pass = TryPass();
  }
  ASSERT_FALSE(pass);
  EXPECT_EQ(pass.error().Message(), "/proc/PID/stat: Too many open files");
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 50);
}

TEST_F(SamplerTest, EachProcessForItselfUpToABound) {
  AddBlock("block", "a");
  config_.services[0].per_process = true;
  config_.services[0].max_processes = 2;
  tree_.Put({.pid = 5, .comm = "a", .vm_rss_kb = 200});
  tree_.Put({.pid = 6, .comm = "a", .vm_rss_kb = 300});
  Pass();
  EXPECT_EQ(Said(0, Kind::kMaxProcesses), "");
  tree_.Put({.pid = 7, .comm = "a", .vm_rss_kb = 100});
  tree_.Put(
      {.pid = 6, .comm = "a", .utime = ticks_per_second_, .vm_rss_kb = 300});
  Pass();
  ASSERT_EQ(report_.series.size(), 2U);
  EXPECT_EQ(report_.series[0].name, "block");
  EXPECT_EQ(report_.series[0].pid, 6);
  EXPECT_EQ(report_.series[0].values.process_memory_bytes, 300 * 1024);
  EXPECT_EQ(report_.series[0].values.process_cpu_percent, 100);
  EXPECT_EQ(report_.series[0].values.tracing_cpu_overhead_percent, 0.5);
  EXPECT_EQ(report_.series[1].pid, 5);
  EXPECT_EQ(report_.processes[0], 3U);
  EXPECT_NE(Said(0, Kind::kMaxProcesses), "");
}

TEST_F(SamplerTest, BoundsOfTwoBlocksAreTheirOwn) {
  for (const char* name : {"one", "two"}) {
    AddBlock(name, "a");
    config_.services.back().per_process = true;
    config_.services.back().max_processes = 1;
  }
  config_.services[1].max_processes = 2;
  for (const pid_t pid : {5, 6}) tree_.Put({.pid = pid, .comm = "a"});
  Pass();
  EXPECT_EQ(report_.series.size(), 3U);
  EXPECT_NE(Said(0, Kind::kMaxProcesses), "");
  EXPECT_EQ(Said(1, Kind::kMaxProcesses), "");
}

TEST_F(SamplerTest, PlaceholdersMakeAnInstanceForEachName) {
  tree_.Put({.pid = 5, .comm = "a", .effective_user = 0});
  tree_.Put({.pid = 6, .comm = "b", .effective_user = 0});
  tree_.Put({.pid = 7, .comm = "b", .effective_user = 0});
  Service block{.name = "svc-${comm}"};
  block.selectors.users = {"0"};
  config_.services.push_back(std::move(block));
  Pass();
  EXPECT_EQ(report_.series.size(), 2U);
  EXPECT_EQ(ValuesOf("svc-a")->process_memory_bytes, 1024000);
  EXPECT_EQ(ValuesOf("svc-b")->process_memory_bytes, 2048000);
  EXPECT_EQ(report_.processes[0], 3U);
}

TEST_F(SamplerTest, PssIsTheMemoryWhereItIsAskedFor) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  AddBlock("pss", "a");
  AddBlock("rss", "a");
  config_.services[0].memory_type = MemoryType::kPss;
  Pass();
  EXPECT_EQ(ValuesOf("pss")->process_memory_bytes, 1400 * 1024);
  EXPECT_EQ(ValuesOf("pss")->tracing_memory_overhead_bytes, 21 * 1024);
  EXPECT_EQ(ValuesOf("rss")->process_memory_bytes, 2000 * 1024);
}

// Never a mixture, and not tried again.
TEST_F(SamplerTest, RefusedPssMakesTheWholeBlockRss) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  const std::string path = tree_.path() + "/6/smaps_rollup";
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);  // cannot be read, even by root
  AddBlock("block", "a");
  config_.services[0].memory_type = MemoryType::kPss;
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 2000 * 1024);
  EXPECT_THAT(Said(0, Kind::kPssRefused),
              testing::HasSubstr("/proc/PID/smaps_rollup: Is a directory"));
  const FileAccess access(tree_.path() + "/5/smaps_rollup");
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 2000 * 1024);
  EXPECT_NE(Said(0, Kind::kPssRefused), "");
  EXPECT_FALSE(access.Happened());
}

// The kernel takes long for it; a process may map a little memory many times.
TEST_F(SamplerTest, PssOfMuchMemoryIsNotRead) {
  constexpr uint64_t kMuchKb = (uint64_t{32} << 20) + 1;
  tree_.Put({.pid = 5, .comm = "a", .vm_rss_kb = kMuchKb});
  tree_.Put({.pid = 6, .comm = "a", .vm_rss_kb = kMuchKb});
  AddBlock("block", "a");
  config_.services[0].memory_type = MemoryType::kPss;
  const FileAccess second(tree_.path() + "/6/smaps_rollup");
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 2 * 1024.0 * kMuchKb);
  EXPECT_NE(Said(0, Kind::kPssRefused), "");
  EXPECT_FALSE(second.Happened());
  const FileAccess first(tree_.path() + "/5/smaps_rollup");
  Pass();
  EXPECT_FALSE(first.Happened());

  // Back below the bound, after one more pass that finds out.
  tree_.Put({.pid = 6, .comm = "a", .vm_rss_kb = 100});
  Pass();
  EXPECT_NE(Said(0, Kind::kPssRefused), "");
  Pass();
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 1400 * 1024);
  EXPECT_EQ(Said(0, Kind::kPssRefused), "");
}

TEST_F(SamplerTest, PssOfAKernelThreadIsZero) {
  tree_.Put({.pid = 2,
             .comm = "kthreadd",
             .flags = 0x208040,
             .has_memory = false,
             .smaps_rollup = ""});
  AddBlock("kernel", "kthreadd");
  config_.services[0].memory_type = MemoryType::kPss;
  Pass();
  ASSERT_TRUE(ValuesOf(0));
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 0);
  EXPECT_EQ(Said(0, Kind::kPssRefused), "");
}

TEST_F(SamplerTest, HowProcessesAreFoundIsDecidedAndExplained) {
  const auto choose = [this](DiscoveryMode mode) {
    config_.proc_path = tree_.path();
    config_.discovery = mode;
    if (config_.services.empty()) AddBlock("block", "a");
    sampler_.emplace(std::move(config_));
    config_ = {};
    const auto chosen = sampler_->ChooseDiscovery();
    return chosen ? *chosen : "error: " + chosen.error().Message();
  };
  const std::string foreign =
      tree_.path() +
      ": expected the procfs of the daemon's own PID namespace, as process "
      "events need it";
  EXPECT_EQ(choose(DiscoveryMode::kScan),
            "by scanning /proc (option Discovery)");
  EXPECT_EQ(choose(DiscoveryMode::kAuto),
            "by scanning /proc (" + foreign + ")");
  EXPECT_EQ(choose(DiscoveryMode::kEvents), "error: " + foreign);
  Service self{.name = "self"};
  self.selectors.self = true;
  config_.services.push_back(std::move(self));
  EXPECT_EQ(choose(DiscoveryMode::kEvents),
            "none needed: every block has a list");
}

// The whole way on the real procfs: memory as the kernel says, and a share of a
// CPU that the kernel's own clock of this process confirms.
TEST(Sampler, AgreesWithTheKernelAboutThisProcess) {
  Config config;
  Service self{.name = "self"};
  self.selectors.self = true;
  config.services.push_back(std::move(self));
  Sampler sampler(std::move(config));
  PassReport report;
  ASSERT_TRUE(sampler.Pass(report));

  const auto cpu_clock = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double cpu_before = cpu_clock();
  const auto before = std::chrono::steady_clock::now();
  while (cpu_clock() - cpu_before < 0.5) {
  }
  ASSERT_TRUE(sampler.Pass(report));
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - before;
  ASSERT_EQ(report.series.size(), 1U);
  const double expected = (cpu_clock() - cpu_before) / elapsed.count() * 100;
  EXPECT_NEAR(report.series[0].values.process_cpu_percent.value(), expected, 8);
  EXPECT_GT(report.series[0].values.process_memory_bytes, 1 << 20);
}

// What the blocks measure of tracing.
// A program without an SDK.
constexpr const char* kNoSdk = "/bin/sleep";

class TracingTest : public SamplerTest {
 protected:
  Service& AddBlockOf(const std::string& comm) {
    AddBlock(comm, comm);
    return config_.services.back();
  }

  static void AddExpression(const char* expression,
                            discovery::Expressions& expressions) {
    expressions.push_back(discovery::CompileExpression(expression));
  }

  // A process that has used so much of a CPU each second, likewise its thread.
  void PutBusy(pid_t pid, const std::string& comm, double cpu,
               const std::string& thread = "other", double thread_cpu = 0) {
    tree_.Put(
        {.pid = pid,
         .comm = comm,
         .utime = Ticks(cpu),
         .exe = kNoSdk,
         .threads = {
             {.tid = pid + 1000, .comm = thread, .stime = Ticks(thread_cpu)}}});
  }

  uint64_t Ticks(double cpu) {
    return static_cast<uint64_t>(cpu * static_cast<double>(passes_) *
                                 static_cast<double>(ticks_per_second_));
  }

  void NextPass() {
    Pass();
    ++passes_;
  }

  int passes_ = 0;
};

TEST_F(TracingTest, ThreadsThatTraceAreMeasured) {
  AddBlockOf("a").tracing_overhead = TracingOverhead::kThreads;
  PutBusy(5, "a", 0.5, "BatchSpanProces", 0.1);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, std::nullopt);
  PutBusy(5, "a", 0.5, "BatchSpanProces", 0.1);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->process_cpu_percent, 50);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 10);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 15360);
  EXPECT_EQ(Said(0, Kind::kNoThreads), "");
}

TEST_F(TracingTest, ExpressionsOfTheBlockReplaceTheKnownNames) {
  Service& block = AddBlockOf("a");
  block.tracing_overhead = TracingOverhead::kThreads;
  AddExpression("^mine", block.tracing_threads);
  for (int pass = 0; pass < 2; ++pass) {
    PutBusy(5, "a", 0.5, "BatchSpanProces", 0.1);
    PutBusy(6, "a", 0.5, "mine-1", 0.2);
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 20);
}

TEST_F(TracingTest, WithoutAThreadThatTracesNothingIsClaimed) {
  AddBlockOf("a").tracing_overhead = TracingOverhead::kThreads;
  for (int pass = 0; pass < 3; ++pass) {
    PutBusy(5, "a", 0.5);
    NextPass();
    EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, std::nullopt);
    EXPECT_THAT(Said(0, Kind::kNoThreads), testing::HasSubstr("TracingThread"));
  }
  // Once there was one, none is none.
  PutBusy(5, "a", 0.5, "BatchSpanProces");
  NextPass();
  PutBusy(5, "a", 0.5);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
  EXPECT_EQ(Said(0, Kind::kNoThreads), "");
}

TEST_F(TracingTest, NothingIsClaimedOfAProcessForTheThreadsOfAnother) {
  Service& block = AddBlockOf("a");
  block.tracing_overhead = TracingOverhead::kThreads;
  block.per_process = true;
  for (int pass = 0; pass < 2; ++pass) {
    PutBusy(5, "a", 0.5, "BatchSpanProces", 0.25);
    PutBusy(6, "a", 0.5);
    NextPass();
  }
  ASSERT_EQ(report_.series.size(), 2U);
  for (const SeriesReport& one : report_.series) {
    EXPECT_EQ(one.values.tracing_cpu_overhead_percent,
              one.pid == 5 ? std::optional<double>(25) : std::nullopt);
  }
}

TEST_F(TracingTest, ThreadsOfATracingProcessAreNotAskedFor) {
  Service& collector = AddBlockOf("collector");
  collector.tracing_process = true;
  collector.tracing_overhead = TracingOverhead::kThreads;
  PutBusy(5, "collector", 0.5);
  NextPass();
  EXPECT_EQ(Said(0, Kind::kNoThreads), "");
}

TEST_F(TracingTest, ProcessWhoseThreadsCannotBeListedIsLeftOut) {
  AddBlockOf("a").tracing_overhead = TracingOverhead::kThreads;
  PutBusy(5, "a", 0.5);
  std::filesystem::remove_all(tree_.path() + "/5/task");
  Pass();
  EXPECT_FALSE(ValuesOf(0));
}

TEST_F(TracingTest, ComponentsHaveTheCpuOfTheirThreads) {
  Service& block = AddBlockOf("a");
  block.components.push_back({"retriever", {}});
  AddExpression("^retr-", block.components[0].threads);
  block.components.push_back({"missing", {}});
  AddExpression("^none$", block.components[1].threads);
  PutBusy(5, "a", 0.5, "retr-1", 0.25);
  PutBusy(6, "a", 0.5, "retr-2", 0.5);
  NextPass();
  EXPECT_TRUE(report_.components.empty());
  PutBusy(5, "a", 0.5, "retr-1", 0.25);
  PutBusy(6, "a", 0.5, "retr-2", 0.5);
  NextPass();
  ASSERT_EQ(report_.components.size(), 1U);
  EXPECT_EQ(report_.components[0].series, "a");
  EXPECT_EQ(report_.components[0].component, "retriever");
  EXPECT_EQ(report_.components[0].cpu_percent, 75);
  EXPECT_THAT(Said(0, Kind::kNoThreads),
              testing::HasSubstr("Component \"missing\""));
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 1);
}

TEST_F(TracingTest, AllOfATracingProcessIsOverhead) {
  AddBlockOf("collector").tracing_process = true;
  for (int pass = 0; pass < 2; ++pass) {
    PutBusy(5, "collector", 0.5);
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 1024000);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 50);
}

std::string Environ(const std::string& variable) {
  return "HOME=/" + std::string(1, '\0') + variable + std::string(1, '\0');
}

TEST_F(TracingTest, WhoIsNotTracedHasNoOverhead) {
  AddBlockOf("a").tracing_detect = true;
  tree_.Put({.pid = 5, .comm = "a", .environ = Environ("OTEL_SERVICE_NAME=x")});
  tree_.Put(
      {.pid = 6, .comm = "a", .environ = Environ("OTEL_SDK_DISABLED=true")});
  tree_.Put({.pid = 7, .comm = "a", .exe = kNoSdk});
  NextPass();
  EXPECT_EQ(report_.processes[0], 3U);
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 3 * 1024000);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 15360);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
  EXPECT_EQ(Said(0, Kind::kUndetected), "");
  ASSERT_NE(sampler_->Find(6), nullptr);
  EXPECT_STREQ(sampler_->Find(6)->detected->detection.evidence,
               "OTEL_SDK_DISABLED");
}

TEST_F(TracingTest, TracingIsNotDetectedUnlessAsked) {
  AddBlockOf("a");
  tree_.Put({.pid = 5, .comm = "a"});
  const FileAccess environ(tree_.path() + "/5/environ");
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
  EXPECT_FALSE(environ.Happened());
  EXPECT_FALSE(sampler_->Find(5)->detected);
}

// Later kernels say of its environment what they say of a process that ended.
TEST_F(TracingTest, KernelThreadIsNotTracedAndStays) {
  AddBlockOf("kworker").tracing_detect = true;
  tree_.Put(
      {.pid = 5, .comm = "kworker", .flags = 0x200000, .has_memory = false});
  std::filesystem::remove(tree_.path() + "/5/environ");
  NextPass();
  ASSERT_TRUE(ValuesOf(0));
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
}

// Its libraries may not be loaded yet.
TEST_F(TracingTest, WhoShowsNothingIsLookedAtAgainForAMinute) {
  AddBlockOf("a").tracing_detect = true;
  FakeProcess process{.pid = 5, .comm = "a", .exe = kNoSdk};
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
  process.maps =
      "7f0000000000-7f0000001000 r-xp 00000000 08:01 1 "
      "/usr/lib/libopentelemetry_trace.so\n";
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
}

TEST_F(TracingTest, WhoHasShownNothingForAMinuteIsNot) {
  AddBlockOf("a").tracing_detect = true;
  FakeProcess process{.pid = 5, .comm = "a", .exe = kNoSdk};
  tree_.Put(process);
  NextPass();
  now_.monotonic += seconds(60);
  NextPass();
  process.environ = Environ("OTEL_SERVICE_NAME=x");
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
}

TEST_F(TracingTest, ProcessIsLookedAtOnceForEachProgram) {
  AddBlockOf("a").tracing_detect = true;
  FakeProcess process{
      .pid = 5, .comm = "a", .environ = Environ("OTEL_SDK_DISABLED=true")};
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
  // A program cannot change what it was started with, and is not asked again.
  process.environ = Environ("OTEL_SERVICE_NAME=x");
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
  // Another program.
  process.env_start = 2;
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
}

TEST_F(TracingTest, WhereItCannotBeToldTheEstimateStands) {
  AddBlockOf("a").tracing_detect = true;
  tree_.Put(
      {.pid = 5, .comm = "a", .environ = std::string(size_t{2} << 20, 'x')});
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
  EXPECT_THAT(Said(0, Kind::kUndetected),
              testing::HasSubstr("/proc/PID/environ: File too large"));
}

TEST_F(TracingTest, UnknownKeepsTheEstimateAndIsSaidWhenTheMinuteIsOver) {
  AddBlockOf("a").tracing_detect = true;
  tree_.Put({.pid = 5, .comm = "a", .exe = "/usr/bin/python3.11"});
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
  EXPECT_EQ(Said(0, Kind::kUndetected), "");
  now_.monotonic += seconds(60);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0.5);
  EXPECT_EQ(Said(0, Kind::kUndetected),
            "unknown whether a process is traced, so that the estimate stands "
            "for it: its interpreter or virtual machine does not show what it "
            "executes");
  const Notice* notice = report_.Find(0, Kind::kUndetected);
  EXPECT_EQ(notice->severity, Notice::Severity::kInfo);
  EXPECT_EQ(notice->process, 5);
}

// An exporter connects when the first span ends.
TEST_F(TracingTest, UnknownIsLookedAtAgainEveryTenMinutes) {
  AddBlockOf("a").tracing_detect = true;
  FakeProcess process{.pid = 5, .comm = "a", .exe = "/usr/bin/python3.11"};
  tree_.Put(process);
  NextPass();
  now_.monotonic += seconds(60);
  NextPass();
  process.threads = {{.tid = 8, .comm = "OtelBatchSpanRe"}};
  tree_.Put(process);
  now_.monotonic += seconds(500);
  NextPass();
  EXPECT_EQ(sampler_->Find(5)->detected->detection.tracing,
            measures::TracingState::kUnknown);
  now_.monotonic += seconds(100);
  NextPass();
  EXPECT_EQ(sampler_->Find(5)->detected->detection.tracing,
            measures::TracingState::kTraced);
  EXPECT_EQ(Said(0, Kind::kUndetected), "");
}

TEST_F(TracingTest, WhoWasToldNotToTraceStaysToldWhenATitleOverwritesThat) {
  AddBlockOf("a").tracing_detect = true;
  FakeProcess process{.pid = 5,
                      .comm = "a",
                      .exe = "/usr/bin/python3.11",
                      .environ = Environ("OTEL_SDK_DISABLED=true")};
  tree_.Put(process);
  NextPass();
  process.environ = std::string(process.environ.size(), '\0');
  tree_.Put(process);
  NextPass();
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
}

TEST_F(TracingTest, ThreadsOfWhoIsNotTracedAreKnownToBeNone) {
  Service& block = AddBlockOf("a");
  block.tracing_detect = true;
  block.tracing_overhead = TracingOverhead::kThreads;
  for (int pass = 0; pass < 2; ++pass) {
    PutBusy(5, "a", 0.5);
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 0);
}

TEST_F(TracingTest, ComparedByWhatIsSeen) {
  Service& block = AddBlockOf("a");
  block.tracing_overhead = TracingOverhead::kCompared;
  block.compare_window = 2;
  for (int pass = 0; pass < 3; ++pass) {
    for (const pid_t pid : {5, 8}) {
      tree_.Put({.pid = pid,
                 .comm = "a",
                 .utime = Ticks(0.5),
                 .vm_rss_kb = 1500,
                 .environ = Environ("OTEL_SERVICE_NAME=x")});
    }
    tree_.Put({.pid = 6, .comm = "a", .utime = Ticks(0.25), .exe = kNoSdk});
    // Unknown, and so on neither side.
    tree_.Put({.pid = 7, .comm = "a", .vm_rss_kb = 9000});
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 2 * 25);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 2 * 500 * 1024);
}

class ComparedTest : public TracingTest {
 protected:
  ComparedTest() {
    Service& block = AddBlockOf("a");
    block.tracing_overhead = TracingOverhead::kCompared;
    block.compare_window = 2;
    block.untraced.emplace();
    AddExpression("canary", block.untraced->command_lines);
  }

  // A traced process and two untraced ones, so that the spread is known.
  void PutProcesses(double traced_cpu, double untraced_cpu) {
    tree_.Put(
        {.pid = 5, .comm = "a", .utime = Ticks(traced_cpu), .vm_rss_kb = 1500});
    for (const pid_t pid : {6, 9}) {
      tree_.Put({.pid = pid,
                 .comm = "a",
                 .utime = Ticks(untraced_cpu),
                 .vm_rss_kb = 1000,
                 .cmdline = std::string("canary\0", 7)});
    }
    // Untraced, but of no block.
    tree_.Put({.pid = 7,
               .comm = "b",
               .vm_rss_kb = 9000,
               .cmdline = std::string("canary\0", 7)});
  }
};

TEST_F(ComparedTest, OverheadIsTheDifferenceOverTheWindow) {
  for (int pass = 0; pass < 3; ++pass) {
    PutProcesses(0.5, 0.25);
    NextPass();
    if (pass == 2) break;
    EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, std::nullopt);
    EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, std::nullopt);
    EXPECT_THAT(Said(0, Kind::kNotCompared),
                testing::HasSubstr("the passes of CompareWindow are not over"));
  }
  EXPECT_EQ(Said(0, Kind::kNotCompared), "");
  EXPECT_EQ(report_.processes[0], 3U);
  ASSERT_EQ(report_.series.size(), 1U);
  EXPECT_EQ(ValuesOf(0)->process_memory_bytes, 3500 * 1024);
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 25);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 500 * 1024);
  EXPECT_EQ(
      report_.Find(0, Kind::kCompared)->detail,
      "512000 (standard error 0) bytes and 25.000 (standard error 0.000) % of "
      "a CPU more than an untraced one");
}

TEST_F(ComparedTest, DifferenceThatMayBeChanceIsSaidAndNotReported) {
  for (int pass = 0; pass < 3; ++pass) {
    PutProcesses(pass == 1 ? 0.25 : 0.5, pass == 1 ? 0.5 : 0.25);
    tree_.Put({.pid = 9,
               .comm = "a",
               .utime = Ticks(0.25),
               .vm_rss_kb = 2000,
               .cmdline = std::string("canary\0", 7)});
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, std::nullopt);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_THAT(Said(0, Kind::kNotCompared),
              testing::HasSubstr("no cost is reported"));
}

TEST_F(ComparedTest, MemoryOfOneProcessOnEachSideIsNotCompared) {
  for (int pass = 0; pass < 3; ++pass) {
    PutProcesses(0.5, 0.25);
    tree_.Remove(9);
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, 25);
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_THAT(Said(0, Kind::kNotCompared),
              testing::HasSubstr("needs two processes on one side"));
}

// Their names are not made of the block's, which may hold placeholders.
TEST_F(TracingTest, UntracedAreKnownInABlockOfManyNames) {
  Service& block = AddBlockOf("a");
  block.name = "of ${comm}";
  block.untraced.emplace().names = {"a"};
  tree_.Put({.pid = 5, .comm = "a"});
  NextPass();
  EXPECT_EQ(ValuesOf("of a")->tracing_cpu_overhead_percent, 0);
  EXPECT_EQ(report_.series.size(), 1U);
  EXPECT_EQ(Said(0, Kind::kMaxInstances), "");
}

// The kernel would take too long for their Pss.
TEST_F(ComparedTest, LargeProcessesAreComparedByRss) {
  constexpr uint64_t kLargeKb = uint64_t{33} << 20;
  config_.services[0].memory_type = MemoryType::kPss;
  for (int pass = 0; pass < 3; ++pass) {
    tree_.Put({.pid = 5, .comm = "a", .vm_rss_kb = kLargeKb + 1000});
    for (const pid_t pid : {6, 9}) {
      tree_.Put({.pid = pid,
                 .comm = "a",
                 .vm_rss_kb = kLargeKb,
                 .cmdline = std::string("canary\0", 7)});
    }
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 1000 * 1024);
}

TEST_F(ComparedTest, WithoutTheUntracedNothingIsSaid) {
  for (int pass = 0; pass < 4; ++pass) {
    PutProcesses(0.5, 0.25);
    if (pass == 3) {
      tree_.Remove(6);
      tree_.Remove(9);
    }
    NextPass();
  }
  EXPECT_EQ(ValuesOf(0)->tracing_cpu_overhead_percent, std::nullopt);
  EXPECT_THAT(Said(0, Kind::kNotCompared),
              testing::HasSubstr("there is no untraced process"));
}

// Its memory is cold, and its CPU counts over a time in which it was not there.
TEST_F(ComparedTest, ProcessCountsFromItsSecondReading) {
  for (int pass = 0; pass < 3; ++pass) {
    PutProcesses(0.5, 0.25);
    if (pass == 2) {
      tree_.Put({.pid = 8,
                 .comm = "a",
                 .start_time = 5002 * ticks_per_second_,
                 .vm_rss_kb = 99000});
    }
    NextPass();
  }
  EXPECT_EQ(report_.processes[0], 4U);
  // For each traced process.
  EXPECT_EQ(ValuesOf(0)->tracing_memory_overhead_bytes, 2 * 500 * 1024);
}

}  // namespace
}  // namespace resource_attribution
