// What a pass costs in memory when nothing changes: no allocation at all, on
// the real procfs.

#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <tuple>

#include "child_process.h"
#include "proc_tree.h"
#include "sampler/sampler.h"

namespace {
bool counting = false;
int allocations = 0;
}  // namespace

// In place of the C library's own, which everything allocates with.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);

void* malloc(size_t size) {
  if (counting) ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  if (counting) ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  if (counting) ++allocations;
  return __libc_realloc(memory, size);
}
}

namespace resource_attribution {
namespace {

using Select = void (*)(Service& block, const std::string& name);

struct Steady {
  const char* name;
  const char* block_name;
  Select select;
};

class SteadyPassTest
    : public testing::TestWithParam<std::tuple<Steady, DiscoveryMode>> {};

std::string PidFile() {
  return std::filesystem::temp_directory_path() / UniqueName("pid");
}

bool HasCgroups() {
  const std::string mounts = ContentOf("/proc/self/mounts");
  return mounts.find(" cgroup2 ") != std::string::npos ||
         mounts.find(",name=systemd") != std::string::npos;
}

TEST_P(SteadyPassTest, AllocatesNothing) {
  const std::string name = UniqueName("s");
  ChildProcess watched({Rename(name)});
  ChildProcess child({Rename(name), Fork()});
  child.Next();
  Write(PidFile(), std::to_string(watched.pid()));

  const auto& [steady, mode] = GetParam();
  if (std::string(steady.name) == "Cgroup" && !HasCgroups()) {
    GTEST_SKIP() << "needs a hierarchy of cgroups that is mounted";
  }
  Config config;
  config.discovery = mode;
  Service block{.name = steady.block_name};
  steady.select(block, name);
  config.services.push_back(std::move(block));
  Sampler sampler(std::move(config));
  if (!sampler.ChooseDiscovery()) GTEST_SKIP() << "no process events here";
  PassReport report;
  for (int pass = 0; pass < 5; ++pass) ASSERT_TRUE(sampler.Pass(report));
  ASSERT_GT(report.processes[0], 0U);
  ASSERT_EQ(report.Find(0, Notice::Kind::kProblem), nullptr);

  // Others may start processes meanwhile, which are looked at.
  int least = 1000;
  for (int pass = 0; pass < 20 && least > 0; ++pass) {
    allocations = 0;
    counting = true;
    const bool passed = sampler.Pass(report).has_value();
    counting = false;
    ASSERT_TRUE(passed);
    least = std::min(least, allocations);
  }
  EXPECT_EQ(least, 0);
  std::filesystem::remove(PidFile());
}

constexpr Steady kSteady[] = {
    {"Name", "x",
     [](auto& block, auto& name) { block.selectors.names = {name}; }},
    {"NameAndUser", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.selectors.users = {std::to_string(geteuid())};
     }},
    {"Executable", "x",
     [](auto& block, auto& name) {
       // For other users' processes the kernel may refuse it, and each scan
       // makes a message.
       block.selectors.names = {name};
       block.selectors.executables = {
           std::filesystem::read_symlink("/proc/self/exe")};
     }},
    {"CommandLine", "x",
     [](auto& block, auto& /*name*/) {
       block.selectors.command_lines.push_back(
           discovery::CompileExpression("steady_pass_test"));
     }},
    {"Self", "x",
     [](auto& block, auto& /*name*/) { block.selectors.self = true; }},
    {"PidFile", "x",
     [](auto& block, auto& /*name*/) {
       block.selectors.pid_files = {PidFile()};
     }},
    {"Cgroup", "x",
     [](auto& block, auto& /*name*/) {
       block.selectors.cgroups = {{}};  // the root: every process
     }},
    {"Children", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.selectors.include_children = true;
     }},
    {"PerProcess", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.per_process = true;
     }},
    {"Placeholders", "${comm} ${user} ${cgroup}",
     [](auto& block, auto& name) { block.selectors.names = {name}; }},
    {"Pss", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.memory_type = MemoryType::kPss;
     }},
    {"Threads", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.tracing_overhead = TracingOverhead::kThreads;
       block.tracing_threads.push_back(discovery::CompileExpression(name));
       Component component{"all", {}};
       component.threads.push_back(discovery::CompileExpression("."));
       block.components.push_back(std::move(component));
     }},
    {"Compared", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.tracing_overhead = TracingOverhead::kCompared;
       block.compare_window = 2;
       block.untraced.emplace().pid_files = {PidFile()};
     }},
    {"Detected", "x",
     [](auto& block, auto& name) {
       block.selectors.names = {name};
       block.tracing_detect = true;
     }},
};

INSTANTIATE_TEST_SUITE_P(
    Sampler, SteadyPassTest,
    testing::Combine(testing::ValuesIn(kSteady),
                     testing::Values(DiscoveryMode::kEvents,
                                     DiscoveryMode::kScan)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).name) +
             (std::get<1>(info.param) == DiscoveryMode::kScan ? "Scan"
                                                              : "Events");
    });

}  // namespace
}  // namespace resource_attribution
