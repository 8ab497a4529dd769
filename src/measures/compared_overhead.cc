#include "measures/compared_overhead.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "measures/cpu.h"

namespace resource_attribution::measures {
namespace {

using Kind = Notice::Kind;

std::string Spread(const Comparison::Estimate& estimate, int digits) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%.*f (standard deviation %.*f)",
                digits, estimate.mean, digits, estimate.deviation);
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
  if (pass.measures_cpu) comparison_.Add(traced_.compared, untraced_.compared);

  if (series.empty()) return;
  AddNotices(was_known, report);
  const auto difference = comparison_.Mean();
  if (!difference) return;
  const auto traced = static_cast<double>(traced_.processes);
  Values& values = series.front().values;
  values.tracing_memory_overhead_bytes =
      std::max(difference->memory_bytes.mean, 0.0) * traced;
  values.tracing_cpu_overhead_percent =
      ShareOf(pass, std::max(difference->cpu_percent.mean, 0.0) * traced);
}

void ComparedOverhead::AddNotices(bool was_known, PassReport& report) const {
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
  } else if (!was_known) {
    report.Add({.service = index_,
                .kind = Kind::kCompared,
                .severity = Notice::Severity::kInfo,
                .text = "compared: a traced process takes ",
                .detail = Spread(difference->memory_bytes, 0) + " bytes and " +
                          Spread(difference->cpu_percent, 3) +
                          " % of a CPU more than an untraced one"});
  }
}

}  // namespace resource_attribution::measures
