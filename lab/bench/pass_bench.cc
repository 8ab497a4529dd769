// One pass on the real /proc: so many watched processes, by events and by
// scanning.

#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>
#include <vector>

#include "sampler/sampler.h"

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
  Service block{.name = "bench"};
  block.selectors.names = {kName};
  config.services.push_back(std::move(block));
  Sampler sampler(std::move(config));
  if (const auto chosen = sampler.ChooseDiscovery(); !chosen) {
    state.SkipWithError(chosen.error().Message().c_str());
    return;
  }
  PassReport report;
  for (auto _ : state) {
    if (!sampler.Pass(report)) state.SkipWithError("the pass failed");
  }
  state.counters["watched"] = static_cast<double>(report.processes[0]);
}
BENCHMARK_CAPTURE(BM_Pass, Events, DiscoveryMode::kEvents)
    ->RangeMultiplier(10)
    ->Range(1, 1000);
BENCHMARK_CAPTURE(BM_Pass, Scan, DiscoveryMode::kScan)
    ->RangeMultiplier(10)
    ->Range(1, 1000);

// A process with so many threads besides the main one.
class Threads {
 public:
  explicit Threads(int64_t count) {
    std::array<int, 2> ready{};
    if (pipe(ready.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      prctl(PR_SET_NAME, kName);
      Start(count);
      if (write(ready[1], "x", 1) != 1) _exit(1);
      while (true) pause();
    }
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) std::abort();
    close(ready[0]);
    close(ready[1]);
  }
  ~Threads() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  static void Start(int64_t count) {
    pthread_attr_t attributes{};
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t{64} << 10);
    for (int64_t i = 0; i < count; ++i) {
      pthread_t thread{};
      pthread_create(
          &thread, &attributes,
          [](void*) -> void* {
            while (true) pause();
          },
          nullptr);
    }
  }

  pid_t pid_ = -1;
};

// What each option that measures tracing costs in a pass, by the number of
// threads of the one process that is watched.
void BM_Measured(benchmark::State& state, void (*ask)(Service& block)) {
  const Threads process(state.range(0));
  Config config;
  config.discovery = DiscoveryMode::kScan;
  Service block{.name = "bench"};
  block.selectors.names = {kName};
  ask(block);
  config.services.push_back(std::move(block));
  Sampler sampler(std::move(config));
  PassReport report;
  // Until each thread has been looked at.
  for (int pass = 0; pass < 30; ++pass) {
    if (!sampler.Pass(report)) state.SkipWithError("the pass failed");
  }
  for (auto _ : state) {
    if (!sampler.Pass(report)) state.SkipWithError("the pass failed");
  }
}
BENCHMARK_CAPTURE(BM_Measured, Nothing, [](Service& /*block*/) {})
    ->Arg(10)
    ->Arg(10000);
BENCHMARK_CAPTURE(BM_Measured, Detect, [](Service& block) {
  block.tracing_detect = true;
})->Arg(10);
BENCHMARK_CAPTURE(BM_Measured, Threads,
                  [](Service& block) {
                    block.tracing_overhead = TracingOverhead::kThreads;
                  })
    ->Arg(10)
    ->Arg(100)
    ->Arg(500)
    ->Arg(1000)
    ->Arg(10000);
BENCHMARK_CAPTURE(BM_Measured, ExportPort, [](Service& block) {
  block.tracing_export_ports = {4317, 4318};
})->Arg(10);

}  // namespace
}  // namespace resource_attribution

BENCHMARK_MAIN();
