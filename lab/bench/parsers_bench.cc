// The parsers on what the kernel says of this process.

#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>

#include "procfs/proc_cgroup.h"
#include "procfs/proc_cmdline.h"
#include "procfs/proc_smaps_rollup.h"
#include "procfs/proc_stat.h"
#include "procfs/proc_status.h"

namespace resource_attribution::procfs {
namespace {

std::string ContentOf(const std::string& name) {
  std::ifstream file("/proc/self/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

void BM_ParseStat(benchmark::State& state) {
  const std::string bytes = ContentOf("stat");
  for (auto _ : state) benchmark::DoNotOptimize(ParseStat(bytes));
}
BENCHMARK(BM_ParseStat);

void BM_ParseStatus(benchmark::State& state) {
  const std::string bytes = ContentOf("status");
  for (auto _ : state) benchmark::DoNotOptimize(ParseStatus(bytes));
}
BENCHMARK(BM_ParseStatus);

void BM_ParseCmdline(benchmark::State& state) {
  const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  std::string parsed = bytes;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ParseCmdline({parsed.data(), parsed.size()}));
  }
}
BENCHMARK(BM_ParseCmdline)->Arg(100)->Arg(100000);

void BM_ParseCgroup(benchmark::State& state) {
  const std::string bytes = ContentOf("cgroup");
  for (auto _ : state) benchmark::DoNotOptimize(ParseCgroup(bytes));
}
BENCHMARK(BM_ParseCgroup);

void BM_ParsePss(benchmark::State& state) {
  const std::string bytes = ContentOf("smaps_rollup");
  for (auto _ : state) benchmark::DoNotOptimize(ParsePss(bytes));
}
BENCHMARK(BM_ParsePss);

}  // namespace
}  // namespace resource_attribution::procfs

BENCHMARK_MAIN();
