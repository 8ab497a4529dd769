#include "measures/tracing_detector.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "procfs/capabilities.h"
#include "procfs/printable.h"

namespace resource_attribution::measures {
namespace {

using procfs::Error;
using procfs::Result;
using store::Detected;

// So long a program may take to load the libraries by which it is known.
constexpr std::chrono::minutes kStart{1};

// An exporter may connect at any time.
constexpr std::chrono::minutes kAgain{10};

bool IsOfThisProgram(const Detected& detected, const store::Record& record) {
  return detected.env_start == record.stat.env_start &&
         detected.comm == record.comm;
}

void TakeProblem(const Error& error, Detected& detected) {
  detected.problem =
      procfs::Explain(error, {procfs::kSysPtrace, procfs::kDacReadSearch});
  detected.may_change = !error.Denied() && error.system_error != EFBIG;
}

// When to look again; none: the answer does not change any more.
std::optional<std::chrono::steady_clock::time_point> NextLook(
    const Detected& detected, std::chrono::steady_clock::time_point now) {
  switch (detected.detection.tracing) {
    case TracingState::kTraced:
      return std::nullopt;
    case TracingState::kUntraced:
      return detected.is_starting ? std::optional(now) : std::nullopt;
    case TracingState::kUnknown:
      break;
  }
  return detected.is_starting ? now : now + kAgain;
}

}  // namespace

store::Detection DetectionOf(const Service& service,
                             const store::Record& record) {
  if (!record.detected) return {};
  const Detected& detected = *record.detected;
  const store::Detection& detection = detected.detection;
  const bool has_connection = std::ranges::any_of(
      detected.ports_of_services, [&service](uint16_t port) {
        return std::ranges::find(service.tracing_export_ports, port) !=
               service.tracing_export_ports.end();
      });
  if (has_connection && detection.is_switched_off) return kContradiction;
  if (has_connection && detection.tracing != TracingState::kTraced) {
    return {.tracing = TracingState::kTraced,
            .evidence = "connection to a TracingExportPort"};
  }
  return detection;
}

TracingState StateOf(const Service& service, const store::Record& record,
                     bool is_selected_as_untraced) {
  if (service.untraced) {
    return is_selected_as_untraced ? TracingState::kUntraced
                                   : TracingState::kTraced;
  }
  return service.DetectsTracing() ? DetectionOf(service, record).tracing
                                  : TracingState::kUnknown;
}

Result<void> TracingDetector::Read(const Pass& pass, store::Record& record) {
  // A kernel thread has no environment; later kernels report it as ended then.
  if (record.stat.KernelThread()) {
    record.detected = Detected{.detection = {.tracing = TracingState::kUntraced,
                                             .evidence = "kernel thread"}};
    return {};
  }
  const auto now = pass.begun.monotonic;
  const bool is_known =
      record.detected && IsOfThisProgram(*record.detected, record);
  if (is_known &&
      (!record.detected->next_look || now < *record.detected->next_look ||
       record.detected->pass == record.pass)) {
    return {};
  }
  const auto process = pass.proc.OpenProcess(record.id.pid);
  if (!process) return tl::unexpected(process.error());
  const bool is_told = is_known && record.detected->detection.is_switched_off;
  Detected detected{.env_start = record.stat.env_start,
                    .comm = record.comm,
                    .first_look = now};
  if (is_known) detected.first_look = record.detected->first_look;
  if (is_told) detected.detection = record.detected->detection;
  const auto looked = is_told ? LookAtConnections(*process, detected)
                              : LookAt(*process, detected);
  if (!looked) return looked;
  if (auto same = process->IsStill(record.id, buffer_); !same) return same;
  detected.pass = record.pass;
  detected.is_starting = now - detected.first_look < kStart;
  if (detected.may_change) detected.next_look = NextLook(detected, now);
  record.detected = std::move(detected);
  return {};
}

// An error that is Gone(), or means that the reader is out of resources.
Result<void> TracingDetector::LookAt(const procfs::Process& process,
                                     Detected& detected) {
  auto look = detection_->LookAt(process, buffer_);
  if (look) {
    detected.detection = look->detection;
    detected.ports_of_services = std::move(look->connections.to_ports);
  } else if (look.error().Gone() || look.error().OutOfResources()) {
    return tl::unexpected(look.error());
  } else {
    TakeProblem(look.error(), detected);
  }
  return {};
}

Result<void> TracingDetector::LookAtConnections(const procfs::Process& process,
                                                Detected& detected) {
  auto connections = detection_->ConnectionsOf(process);
  if (!connections) return tl::unexpected(connections.error());
  if (connections->to_known_port) detected.detection = kContradiction;
  detected.ports_of_services = std::move(connections->to_ports);
  return {};
}

void TracingDetector::Observe(const Pass& /*pass*/, const Observed& observed) {
  const auto& detected = observed.record.detected;
  if (unknown_ != nullptr || !detected ||
      observed.tracing != TracingState::kUnknown) {
    return;
  }
  // While it starts it may still show something.
  if (!detected->problem.empty() || !detected->is_starting) {
    unknown_ = &observed.record;
  }
}

void TracingDetector::Finish(const Pass& /*pass*/,
                             std::span<SeriesReport> /*series*/,
                             PassReport& report) {
  if (unknown_ == nullptr) return;
  const bool is_compared =
      service_.tracing_overhead == TracingOverhead::kCompared;
  const Detected& detected = *unknown_->detected;
  const bool is_problem = !detected.problem.empty();
  report.Add(
      {.service = index_,
       .kind = Notice::Kind::kUndetected,
       .severity =
           is_problem ? Notice::Severity::kWarning : Notice::Severity::kInfo,
       .text =
           std::string("unknown whether a process is traced, so that ") +
           (is_compared ? "it is not compared" : "the estimate stands for it") +
           ": " +
           (is_problem ? procfs::Printable(detected.problem)
                       : detected.detection.evidence),
       .process = unknown_->id.pid});
}

}  // namespace resource_attribution::measures
