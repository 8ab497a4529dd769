#include "measures/tracing_detector.h"

#include <cerrno>
#include <chrono>

#include "measures/tracing_detection.h"
#include "procfs/capabilities.h"
#include "procfs/printable.h"

namespace resource_attribution::measures {
namespace {

using procfs::Error;
using procfs::Result;
using store::Detected;

// So long a program may take to load the libraries by which it is known.
constexpr std::chrono::minutes kLoading{1};

bool IsOfThisProgram(const Detected& detected, const store::Record& record) {
  return detected.env_start == record.stat.env_start &&
         detected.comm == record.comm;
}

void TakeProblem(const Error& error, Detected& detected) {
  detected.problem = error.Message();
  if (error.Denied()) {
    detected.problem +=
        " (" +
        procfs::WhyRefused({procfs::kSysPtrace, procfs::kDacReadSearch}) + ")";
  }
  detected.may_change = !error.Denied() && error.system_error != EFBIG;
}

}  // namespace

TracingState StateOf(const Service& service, const store::Record& record,
                     bool is_selected_as_untraced) {
  if (service.untraced) {
    return is_selected_as_untraced ? TracingState::kUntraced
                                   : TracingState::kTraced;
  }
  if (!service.DetectsTracing()) return TracingState::kUnknown;
  if (record.stat.KernelThread()) return TracingState::kUntraced;
  if (!record.detected || !record.detected->detection) {
    return TracingState::kUnknown;
  }
  return record.detected->detection->tracing == Tracing::kOn
             ? TracingState::kTraced
             : TracingState::kUntraced;
}

Result<void> TracingDetector::Read(const Pass& pass, store::Record& record) {
  // A kernel thread has no environment; later kernels report it as ended then.
  if (record.stat.KernelThread()) return {};
  const bool is_known =
      record.detected && IsOfThisProgram(*record.detected, record);
  if (is_known &&
      (!record.detected->may_change || record.detected->pass == record.pass)) {
    return {};
  }
  const auto process = pass.proc.OpenProcess(record.id.pid);
  if (!process) return tl::unexpected(process.error());
  const auto detection = DetectTracing(*process, buffer_);
  if (!detection &&
      (detection.error().Gone() || detection.error().OutOfResources())) {
    return tl::unexpected(detection.error());
  }
  if (auto same = process->IsStill(record.id, buffer_); !same) return same;

  const auto now = pass.begun.monotonic;
  Detected detected{.pass = record.pass,
                    .env_start = record.stat.env_start,
                    .comm = record.comm,
                    .first_look = is_known ? record.detected->first_look : now};
  if (detection) {
    detected.detection = *detection;
    detected.may_change = detection->tracing == Tracing::kAbsent &&
                          now - detected.first_look < kLoading;
  } else {
    TakeProblem(detection.error(), detected);
  }
  record.detected = std::move(detected);
  return {};
}

void TracingDetector::Observe(const Pass& /*pass*/, const Observed& observed) {
  const auto& detected = observed.record.detected;
  if (problem_of_ == nullptr && detected && !detected->problem.empty()) {
    problem_of_ = &observed.record;
  }
}

void TracingDetector::Finish(const Pass& /*pass*/,
                             std::span<SeriesReport> /*series*/,
                             PassReport& report) {
  if (problem_of_ == nullptr) return;
  const bool is_compared =
      service_.tracing_overhead == TracingOverhead::kCompared;
  report.Add(
      {.service = index_,
       .kind = Notice::Kind::kUndetected,
       .text =
           std::string("unknown whether a process is traced, so that ") +
           (is_compared ? "it is not compared" : "the estimate stands for it") +
           ": " + procfs::Printable(problem_of_->detected->problem),
       .process = problem_of_->id.pid});
}

}  // namespace resource_attribution::measures
