#ifndef RESOURCE_ATTRIBUTION_BLOCK_TRACING_H_
#define RESOURCE_ATTRIBUTION_BLOCK_TRACING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "attribution/comparison.h"
#include "attribution/reading.h"
#include "attribution/values.h"
#include "config/config.h"
#include "procfs/procfs.h"
#include "procfs/result.h"
#include "procfs/thread_table.h"

namespace resource_attribution {

/// What a block measures of tracing, where it asks for more than constants: CPU
/// of threads by their names, and the comparison of its traced processes with
/// the untraced ones. Costs nothing where it does not. Not thread-safe.
class BlockTracing {
 public:
  /// Of the pass that is going on.
  struct Pass {
    const procfs::Procfs& proc;
    const attribution::Snapshot& previous;
    const procfs::Clock& clock;
    double ticks_per_second;
    bool measures_cpu;
  };

  /// `service` has to outlive this.
  explicit BlockTracing(const Service& service);

  BlockTracing(const BlockTracing&) = delete;
  BlockTracing(BlockTracing&&) = default;

  void BeginPass();

  /// Measures the threads of a process of the block whose tracing is in
  /// `state`. An error that is Gone() when it has ended.
  procfs::Result<attribution::ProcessTracing> Measure(
      const Pass& pass, const procfs::ProcessId& process,
      attribution::TracingState state);

  /// CPU of the threads of a component in the process that was measured last.
  std::optional<double> ComponentCpuPercent(const Pass& pass,
                                            size_t component) const;

  /// Takes a process into the comparison. One without `cpu_percent` is too
  /// young.
  void Compare(const attribution::Reading& reading,
               attribution::MemoryType memory_type,
               std::optional<double> cpu_percent,
               attribution::TracingState state);

  void EndPass(const Pass& pass);

  /// What tracing costs one process; none until that can be told.
  std::optional<attribution::Comparison::Difference> Difference() const {
    return comparison_ ? comparison_->Mean() : std::nullopt;
  }

  /// Whether that is known since this pass, and was not before.
  bool DifferenceIsNew() const { return difference_is_new_; }

  /// Why that cannot be told although it is asked for, for people; empty when
  /// it can.
  std::string WithoutDifference() const;

  /// Begins the comparison anew, as the memory is another one from now on.
  void CompareAnew() {
    if (comparison_) comparison_->Clear();
  }

  /// Names what no thread has belonged to yet, for people: it has no value.
  /// Empty when there is nothing.
  std::string WithoutThreads() const;

 private:
  // Groups of threads: those that trace, and then the components.
  static constexpr size_t kTracing = 0;
  static size_t GroupOf(size_t component) { return component + 1; }

  procfs::ThreadGroups GroupsOf(std::string_view comm) const;
  std::optional<double> CpuPercent(const Pass& pass, size_t group) const;

  const Service& service_;
  const bool measures_tracing_threads_;
  std::optional<discovery::Expressions> known_threads_;
  std::optional<procfs::ThreadTable> threads_;
  const procfs::ProcessThreads* measured_ = nullptr;
  procfs::ThreadGroups groups_seen_ = 0;  // to which a thread ever belonged
  std::optional<attribution::Comparison> comparison_;
  attribution::Comparison::Side traced_;
  attribution::Comparison::Side untraced_;
  bool difference_is_new_ = false;
  bool has_traced_ = false;
  bool has_untraced_ = false;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_BLOCK_TRACING_H_
