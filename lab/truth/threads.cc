// A process whose threads use known shares of a CPU.
//
//   threads NAME=PERCENT...
//
// Answers each line of its input with the CPU seconds that each thread has used
// by its own CPU clock, in the order of the arguments. Ends with its input.

#include <pthread.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t kPeriodNs = 20'000'000;

std::int64_t NowNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// Uses its share of every period, and catches up if others had the CPU.
void Burn(double share) {
  const std::int64_t begin = NowNs(CLOCK_MONOTONIC);
  const std::int64_t used = NowNs(CLOCK_THREAD_CPUTIME_ID);
  for (std::int64_t period = 1;; ++period) {
    const std::int64_t end = period * kPeriodNs;
    const auto due = static_cast<std::int64_t>(share * end);
    while (NowNs(CLOCK_THREAD_CPUTIME_ID) - used < due) {
    }
    const std::int64_t at = begin + end;
    const timespec until{at / 1'000'000'000, at % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<clockid_t> clocks;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t mark = argument.rfind('=');
    // The kernel keeps 15 bytes of a name; pthread_setname_np(3) takes no more.
    if (mark == std::string::npos || mark == 0 || mark > 15) {
      std::fprintf(stderr, "threads: expected NAME=PERCENT, not %s\n", argv[i]);
      return 2;
    }
    std::thread thread(Burn, std::atof(argv[i] + mark + 1) / 100);
    pthread_setname_np(thread.native_handle(),
                       argument.substr(0, mark).c_str());
    pthread_getcpuclockid(thread.native_handle(), &clocks.emplace_back());
    thread.detach();
  }
  for (int c; (c = std::getchar()) != EOF;) {
    if (c != '\n') continue;
    for (const clockid_t clock : clocks) {
      std::printf("%.9f ", NowNs(clock) / 1e9);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  std::_Exit(0);
}
