#include "tracing_detector.h"

#include <cerrno>
#include <utility>

#include "procfs/capabilities.h"

namespace resource_attribution {

using attribution::Tracing;
using attribution::TracingState;
using procfs::Error;
using procfs::Result;

namespace {

// So long a program may take to load the libraries by which it is known.
constexpr std::chrono::minutes kLoading{1};

}  // namespace

TracingState TracingDetector::Seen::State() const {
  if (!detection) return TracingState::kUnknown;
  return detection->tracing == Tracing::kOn ? TracingState::kTraced
                                            : TracingState::kUntraced;
}

Result<const TracingDetector::Seen*> TracingDetector::LookAt(
    const procfs::Procfs& proc, const procfs::WatchedProcess& process,
    TimePoint now) {
  Entry& entry = entries_[process.id.pid];
  const bool is_known = entry.pass != 0 && entry.id == process.id &&
                        entry.env_start == process.stat.env_start &&
                        entry.comm == process.comm;
  if (!is_known || entry.seen.passes) {
    const auto opened = proc.OpenProcess(process.id.pid);
    if (!opened) return tl::unexpected(opened.error());
    const auto detection = attribution::DetectTracing(*opened, buffer_);
    if (!detection &&
        (detection.error().Gone() || detection.error().OutOfResources())) {
      return tl::unexpected(detection.error());
    }
    // Until the directory was opened its PID may have become somebody else's.
    const auto stat = opened->ReadStat(buffer_);
    if (!stat) return tl::unexpected(stat.error());
    if (stat->start_time != process.id.start_time || stat->Ended()) {
      return tl::unexpected(
          Error{.file = "/proc/PID/stat", .system_error = ESRCH});
    }
    entry = {.id = process.id,
             .env_start = process.stat.env_start,
             .comm = process.comm,
             .first_look = is_known ? entry.first_look : now};
    if (detection) {
      entry.seen.detection = *detection;
      entry.seen.passes = detection->tracing == Tracing::kAbsent &&
                          now - entry.first_look < kLoading;
    }
    if (!detection) {
      const Error& error = detection.error();
      entry.seen.problem = error.Message();
      if (error.Denied()) {
        entry.seen.problem +=
            " (" +
            procfs::WhyRefused({procfs::kSysPtrace, procfs::kDacReadSearch}) +
            ")";
      }
      entry.seen.passes = !error.Denied() && error.system_error != EFBIG;
    }
  }
  entry.pass = pass_;
  return &entry.seen;
}

void TracingDetector::EndPass() {
  std::erase_if(entries_, [this](const auto& entry) {
    return entry.second.pass != pass_;
  });
}

const TracingDetector::Seen* TracingDetector::Find(pid_t pid) const {
  const auto found = entries_.find(pid);
  return found == entries_.end() ? nullptr : &found->second.seen;
}

}  // namespace resource_attribution
