#include "block_tracing.h"

#include "attribution/known_tracers.h"
#include "attribution/thread_cpu.h"

namespace resource_attribution {

using attribution::MemoryType;
using attribution::ProcessTracing;
using attribution::TracingOverhead;
using attribution::TracingState;
using procfs::Result;

namespace {

discovery::Expressions KnownTracingThreads() {
  discovery::Expressions expressions;
  for (const char* const expression : attribution::kTracingThreads) {
    expressions.push_back(discovery::CompileExpression(expression));
  }
  return expressions;
}

}  // namespace

BlockTracing::BlockTracing(const Service& service)
    : service_(service),
      measures_tracing_threads_(service.tracing_overhead ==
                                    TracingOverhead::kThreads &&
                                !service.tracing_process) {
  if (measures_tracing_threads_ && service.tracing_threads.empty()) {
    known_threads_ = KnownTracingThreads();
  }
  if (measures_tracing_threads_ || !service.components.empty()) {
    threads_.emplace();
  }
  if (service.tracing_overhead == TracingOverhead::kCompared) {
    comparison_.emplace(service.compare_window);
  }
}

procfs::ThreadGroups BlockTracing::GroupsOf(std::string_view comm) const {
  procfs::ThreadGroups groups = 0;
  const auto add = [&groups](size_t group, bool belongs) {
    groups |= procfs::ThreadGroups{belongs} << group;
  };
  if (measures_tracing_threads_) {
    add(kTracing,
        discovery::AnyIsIn(
            known_threads_ ? *known_threads_ : service_.tracing_threads, comm));
  }
  for (size_t i = 0; i < service_.components.size(); ++i) {
    add(GroupOf(i), discovery::AnyIsIn(service_.components[i].threads, comm));
  }
  return groups;
}

void BlockTracing::BeginPass() {
  if (threads_) threads_->BeginPass();
  traced_ = {};
  untraced_ = {};
  has_traced_ = false;
  has_untraced_ = false;
  difference_is_new_ = false;
}

Result<ProcessTracing> BlockTracing::Measure(const Pass& pass,
                                             const procfs::ProcessId& process,
                                             TracingState state) {
  ProcessTracing tracing{.state = state};
  measured_ = nullptr;
  if (!threads_ || !pass.measures_cpu) return tracing;
  const auto opened = pass.proc.OpenProcess(process.pid);
  if (!opened) return tl::unexpected(opened.error());
  const auto threads =
      threads_->Read(*opened, process, pass.clock,
                     [this](std::string_view comm) { return GroupsOf(comm); });
  if (!threads) return tl::unexpected(threads.error());
  measured_ = *threads;
  groups_seen_ |= measured_->groups_seen;
  if (!measures_tracing_threads_) return tracing;
  tracing.thread_cpu_percent = CpuPercent(pass, kTracing);
  // Who is not traced has no such threads, and that is known.
  if (!tracing.thread_cpu_percent && state == TracingState::kUntraced) {
    tracing.thread_cpu_percent = 0;
    groups_seen_ |= procfs::ThreadGroups{1} << kTracing;
  }
  return tracing;
}

std::optional<double> BlockTracing::CpuPercent(const Pass& pass,
                                               size_t group) const {
  if (measured_ == nullptr) return std::nullopt;
  return attribution::ThreadCpuPercent(pass.previous, *measured_, group,
                                       pass.ticks_per_second);
}

std::optional<double> BlockTracing::ComponentCpuPercent(
    const Pass& pass, size_t component) const {
  return CpuPercent(pass, GroupOf(component));
}

void BlockTracing::Compare(const attribution::Reading& reading,
                           MemoryType memory_type,
                           std::optional<double> cpu_percent,
                           TracingState state) {
  if (!comparison_ || state == TracingState::kUnknown) return;
  const bool is_traced = state == TracingState::kTraced;
  has_traced_ = has_traced_ || is_traced;
  has_untraced_ = has_untraced_ || !is_traced;
  const auto bytes = memory_type == MemoryType::kPss
                         ? reading.proportional_bytes
                         : reading.resident_bytes;
  if (!bytes || !cpu_percent) return;
  (is_traced ? traced_ : untraced_)
      .Add(static_cast<double>(*bytes), *cpu_percent);
}

void BlockTracing::EndPass(const Pass& pass) {
  measured_ = nullptr;
  if (!pass.measures_cpu) return;
  if (threads_) threads_->EndPass();
  if (!comparison_) return;
  const bool was_known = Difference().has_value();
  comparison_->Add(traced_, untraced_);
  difference_is_new_ = Difference() && !was_known;
}

std::string BlockTracing::WithoutDifference() const {
  if (!comparison_ || comparison_->Mean()) return {};
  if (!has_traced_) return "there is no traced process";
  if (!has_untraced_) return "there is no untraced process";
  return "the passes of CompareWindow are not over";
}

std::string BlockTracing::WithoutThreads() const {
  std::string names;
  const auto add = [&](size_t group, const std::string& name) {
    if ((groups_seen_ >> group & 1) != 0) return;
    names += (names.empty() ? "" : ", ") + name;
  };
  if (measures_tracing_threads_) add(kTracing, "TracingThread");
  for (size_t i = 0; i < service_.components.size(); ++i) {
    add(GroupOf(i), "Component \"" + service_.components[i].name + '"');
  }
  return names;
}

}  // namespace resource_attribution
