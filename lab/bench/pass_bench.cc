// One pass on the real /proc: so many watched processes, by events and by
// scanning.

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

void RaiseFileLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void BM_Pass(benchmark::State& state, DiscoveryMode mode) {
  RaiseFileLimit();
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

// A process that has done something before it waits.
class Prepared {
 public:
  template <typename Prepare>
  explicit Prepared(Prepare prepare) {
    std::array<int, 2> ready{};
    if (pipe(ready.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      prepare();
      if (write(ready[1], "x", 1) != 1) _exit(1);
      while (true) pause();
    }
    close(ready[1]);
    char byte = 0;
    if (read(ready[0], &byte, 1) != 1) std::abort();
    close(ready[0]);
  }
  ~Prepared() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

 private:
  pid_t pid_ = -1;
};

// The process that is watched, with so many threads besides the main one.
void StartThreads(int64_t count) {
  prctl(PR_SET_NAME, kName);
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

// Closing the socket sends a reset, so that none stays in TIME_WAIT: for a
// minute the kernel would walk over these, too.
int TcpSocket() {
  const int tcp_socket = socket(AF_INET, SOCK_STREAM, 0);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(tcp_socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) !=
      0) {
    _exit(1);
  }
  return tcp_socket;
}

// Over loopback a connection has two sockets on the host, as two connections to
// other hosts have.
void Connect(int64_t sockets) {
  const int listening = TcpSocket();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listening, any, size) != 0 || listen(listening, 1) != 0 ||
      getsockname(listening, any, &size) != 0) {
    _exit(1);
  }
  for (int64_t i = 0; i < sockets / 2; ++i) {
    const int client = TcpSocket();
    if (connect(client, any, size) != 0 ||
        accept(listening, nullptr, nullptr) < 0) {
      _exit(1);
    }
  }
}

// Passes over one process.
void MakePasses(benchmark::State& state, void (*ask)(Service& block)) {
  Config config;
  Service block{.name = "bench"};
  block.selectors.names = {kName};
  ask(block);
  config.services.push_back(std::move(block));
  Sampler sampler(std::move(config));
  if (!sampler.ChooseDiscovery()) state.SkipWithError("no way to discover");
  PassReport report;
  // Until each thread has been looked at.
  for (int pass = 0; pass < 30; ++pass) {
    if (!sampler.Pass(report)) state.SkipWithError("the pass failed");
  }
  for (auto _ : state) {
    if (!sampler.Pass(report)) state.SkipWithError("the pass failed");
  }
}

// What each option that measures tracing costs in a pass, by the number of
// threads of the one process that is watched.
void BM_Measured(benchmark::State& state, void (*ask)(Service& block)) {
  const Prepared process([&] { StartThreads(state.range(0)); });
  MakePasses(state, ask);
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

// The same by the number of connections of other processes.
void BM_OtherConnections(benchmark::State& state) {
  RaiseFileLimit();
  const Prepared others([&] { Connect(state.range(0)); });
  const Prepared process([&] { StartThreads(10); });
  MakePasses(state, [](Service& block) {
    block.tracing_export_ports = {4317, 4318};
  });
}
BENCHMARK(BM_OtherConnections)->Arg(5000);

}  // namespace
}  // namespace resource_attribution

BENCHMARK_MAIN();
