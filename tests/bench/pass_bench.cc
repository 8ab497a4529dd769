// One pass on the real /proc: so many watched processes, by events and by
// scanning.

#include <benchmark/benchmark.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>
#include <vector>

#include "sampler.h"

namespace resource_attribution {
namespace {

constexpr const char* kName = "ra-pass-bench";

class Herd {
 public:
  explicit Herd(int64_t size) {
    for (int64_t i = 0; i < size; ++i) {
      const pid_t pid = fork();
      if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, kName);
        while (true) pause();
      }
      pids_.push_back(pid);
    }
  }
  ~Herd() {
    for (const pid_t pid : pids_) kill(pid, SIGKILL);
    for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
  }
  Herd(const Herd&) = delete;
  Herd& operator=(const Herd&) = delete;

 private:
  std::vector<pid_t> pids_;
};

void BM_Pass(benchmark::State& state, DiscoveryMode mode) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  const Herd herd(state.range(0));
  Config config;
  config.discovery = mode;
  Block block{.name = "bench"};
  block.selectors.names = {kName};
  config.blocks.push_back(std::move(block));
  Sampler sampler(std::move(config));
  if (const auto chosen = sampler.ChooseDiscovery(); !chosen) {
    state.SkipWithError(chosen.error().Message().c_str());
    return;
  }
  PassReport report;
  for (auto _ : state) {
    if (!sampler.Pass(report)) state.SkipWithError("the pass failed");
  }
  state.counters["watched"] = static_cast<double>(report.blocks[0].processes);
}
BENCHMARK_CAPTURE(BM_Pass, Events, DiscoveryMode::kEvents)
    ->RangeMultiplier(10)
    ->Range(1, 1000);
BENCHMARK_CAPTURE(BM_Pass, Scan, DiscoveryMode::kScan)
    ->RangeMultiplier(10)
    ->Range(1, 1000);

}  // namespace
}  // namespace resource_attribution

BENCHMARK_MAIN();
