#include "measures/named_threads.h"

#include "measures/cpu.h"
#include "measures/known_tracers.h"
#include "measures/thread_cpu.h"
#include "procfs/printable.h"

namespace resource_attribution::measures {

using procfs::Result;

namespace {

constexpr store::ThreadGroups Bit(size_t group) {
  return store::ThreadGroups{1} << group;
}

}  // namespace

NamedThreads::NamedThreads(const Service& service, size_t index)
    : service_(service),
      index_(index),
      known_threads_(MeasuresTracing(service) && service.tracing_threads.empty()
                         ? discovery::CompileExpressions(kTracingThreads)
                         : discovery::Expressions()),
      tracing_threads_(known_threads_.empty() ? service.tracing_threads
                                              : known_threads_),
      groups_of_([this](std::string_view comm) { return GroupsOf(comm); }),
      component_cpu_(service.components.size()) {}

void NamedThreads::Begin() {
  tracing_cpu_.Clear();
  for (auto& sums : component_cpu_) sums.Clear();
}

store::ThreadGroups NamedThreads::GroupsOf(std::string_view comm) const {
  store::ThreadGroups groups = 0;
  if (MeasuresTracing(service_) && discovery::AnyIsIn(tracing_threads_, comm)) {
    groups |= Bit(kTracing);
  }
  for (size_t i = 0; i < service_.components.size(); ++i) {
    if (discovery::AnyIsIn(service_.components[i].threads, comm)) {
      groups |= Bit(GroupOf(i));
    }
  }
  return groups;
}

store::Threads& NamedThreads::ThreadsOf(store::Record& record) const {
  for (store::ServiceThreads& one : record.threads) {
    if (one.service == index_) return one.threads;
  }
  return record.threads.emplace_back(store::ServiceThreads{.service = index_})
      .threads;
}

Result<void> NamedThreads::Read(const Pass& pass, store::Record& record) {
  if (!pass.measures_cpu) return {};
  store::Threads& threads = ThreadsOf(record);
  // It did not belong to the service in the pass of the baselines.
  if (pass.measured_from &&
      threads.read_begun.monotonic < pass.measured_from->monotonic) {
    threads = {};
  }
  const auto process = pass.proc.OpenProcess(record.id.pid);
  if (!process) return tl::unexpected(process.error());
  auto read =
      reader_.Read(*process, record.id, pass.clock, groups_of_, threads);
  if (read) groups_seen_ |= threads.groups_seen;
  return read;
}

void NamedThreads::Observe(const Pass& pass, const Observed& observed) {
  const store::Threads* threads = observed.record.ThreadsOf(index_);
  if (threads == nullptr || !pass.measures_cpu) return;
  const auto cpu_of = [&](size_t group) {
    return ThreadCpuPercent(pass, observed.record.id, *threads, group);
  };
  for (size_t i = 0; i < component_cpu_.size(); ++i) {
    AddKnown(cpu_of(GroupOf(i)), component_cpu_[i][observed.series]);
  }
  if (!MeasuresTracing(service_)) return;
  auto tracing_cpu = cpu_of(kTracing);
  // A process that is not traced has no such threads, and that is known.
  if (!tracing_cpu && observed.tracing == TracingState::kUntraced) {
    tracing_cpu = 0;
    groups_seen_ |= Bit(kTracing);
  }
  AddKnown(tracing_cpu, tracing_cpu_[observed.series]);
}

void NamedThreads::Finish(const Pass& pass, std::span<SeriesReport> series,
                          PassReport& report) {
  for (size_t at = 0; at < series.size(); ++at) {
    for (size_t i = 0; i < component_cpu_.size(); ++i) {
      const auto cpu_percent = ShareOf(pass, component_cpu_[i][at]);
      if (!cpu_percent) continue;
      report.components.push_back({.series = series[at].name,
                                   .component = service_.components[i].name,
                                   .cpu_percent = *cpu_percent});
    }
  }
  const std::string names = series.empty() ? "" : WithoutThreads();
  if (names.empty()) return;
  report.Add({.service = index_,
              .kind = Notice::Kind::kNoThreads,
              .severity = Notice::Severity::kInfo,
              .text = "no thread has a name for " + procfs::Printable(names) +
                      " yet; nothing is reported of it until one has"});
}

// What no thread has belonged to yet, for people; empty when there is nothing.
std::string NamedThreads::WithoutThreads() const {
  std::string names;
  const auto add = [&](size_t group, const std::string& name) {
    if ((groups_seen_ & Bit(group)) != 0) return;
    names += (names.empty() ? "" : ", ") + name;
  };
  if (MeasuresTracing(service_)) add(kTracing, "TracingThread");
  for (size_t i = 0; i < service_.components.size(); ++i) {
    add(GroupOf(i), "Component \"" + service_.components[i].name + '"');
  }
  return names;
}

}  // namespace resource_attribution::measures
