#include "measures/compared_overhead.h"

#include <array>
#include <cstdio>
#include <string>

#include "measures/cpu.h"

namespace resource_attribution::measures {
namespace {

using Kind = Notice::Kind;

std::string Spread(const Estimate& estimate, int digits) {
  std::array<char, 128> text{};
  if (estimate.standard_error) {
    std::snprintf(text.data(), text.size(), "%.*f (standard error %.*f)",
                  digits, estimate.mean, digits, *estimate.standard_error);
  } else {
    std::snprintf(text.data(), text.size(), "%.*f (standard error unknown)",
                  digits, estimate.mean);
  }
  return text.data();
}

}  // namespace

void ComparedOverhead::Begin() {
  traced_ = {};
  untraced_ = {};
}

void ComparedOverhead::Observe(const Pass& pass, const Observed& observed) {
  if (observed.tracing == TracingState::kUnknown) return;
  Side& side = observed.tracing == TracingState::kTraced ? traced_ : untraced_;
  ++side.processes;
  const MemoryBytes memory = MemoryOf(observed.record);
  const auto bytes = memory_.type() == MemoryType::kPss ? memory.proportional
                                                        : memory.resident;
  // A process without a baseline is too young.
  const auto cpu_percent = observed.record.baseline
                               ? CpuPercent(pass, observed.record)
                               : std::nullopt;
  if (!bytes || !cpu_percent) return;
  side.compared.Add(static_cast<double>(*bytes), *cpu_percent);
}

void ComparedOverhead::Finish(const Pass& pass, std::span<SeriesReport> series,
                              PassReport& report) {
  // The kernel refused Pss: what was compared before is another memory.
  if (memory_.type() != compared_type_) comparison_.Clear();
  compared_type_ = memory_.type();
  const bool was_known = comparison_.Mean().has_value();
  if (pass.measures_cpu) {
    comparison_.Add(traced_.compared, untraced_.compared);
    if (reports_cost_) AddCost(report);
  }

  if (series.empty()) return;
  AddNotices(was_known, report);
  const auto difference = comparison_.Mean();
  if (!difference) return;
  const auto traced = static_cast<double>(traced_.processes);
  Values& values = series.front().values;
  if (difference->memory_bytes.IsCost()) {
    values.tracing_memory_overhead_bytes =
        difference->memory_bytes.mean * traced;
  }
  if (difference->cpu_percent.IsCost()) {
    values.tracing_cpu_overhead_percent =
        ShareOf(pass, difference->cpu_percent.mean * traced);
  }
}

void ComparedOverhead::AddCost(PassReport& report) const {
  const Comparison::Side& traced = traced_.compared;
  const Comparison::Side& untraced = untraced_.compared;
  if (traced.processes() == 0 || untraced.processes() == 0) return;
  const double cpu = traced.MeanCpuPercent();
  report.tracing_costs.push_back(
      {.service = index_,
       .tracing_cpu = cpu - untraced.MeanCpuPercent(),
       .cpu = cpu});
}

void ComparedOverhead::AddNotices(bool was_known, PassReport& report) {
  const auto difference = comparison_.Mean();
  if (!difference) {
    const char* const reason =
        traced_.processes == 0     ? "there is no traced process"
        : untraced_.processes == 0 ? "there is no untraced process"
                                   : "the passes of CompareWindow are not over";
    report.Add({.service = index_,
                .kind = Kind::kNotCompared,
                .severity = Notice::Severity::kInfo,
                .text = std::string("not compared yet, so that no overhead is "
                                    "reported: ") +
                        reason});
    reported_.reset();
    return;
  }
  if (!was_known) {
    report.Add({.service = index_,
                .kind = Kind::kCompared,
                .severity = Notice::Severity::kInfo,
                .text = "compared: a traced process takes ",
                .detail = Spread(difference->memory_bytes, 0) + " bytes and " +
                          Spread(difference->cpu_percent, 3) +
                          " % of a CPU more than an untraced one"});
  }
  const Reported now{difference->memory_bytes.IsCost(),
                     difference->cpu_percent.IsCost()};
  if (reported_ != now) {
    reported_ = now;
    AddNoiseNotice(*difference, report);
  }
}

// Only in the pass in which it changes: no lasting notice takes memory.
void ComparedOverhead::AddNoiseNotice(const Comparison::Difference& difference,
                                      PassReport& report) const {
  const bool has_memory = difference.memory_bytes.IsCost();
  const bool has_cpu = difference.cpu_percent.IsCost();
  if (has_memory && has_cpu) return;
  const std::string which = has_memory ? "CPU" : has_cpu ? "memory" : "cost";
  std::string text = "no " + which +
                     " is reported: the difference may be chance, less than "
                     "about two standard errors";
  if (!has_memory && !difference.memory_bytes.standard_error) {
    text += "; that of memory needs two processes on one side";
  }
  report.Add({.service = index_,
              .kind = Kind::kNotCompared,
              .severity = Notice::Severity::kInfo,
              .text = text});
}

}  // namespace resource_attribution::measures
