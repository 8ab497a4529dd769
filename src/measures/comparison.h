#ifndef RESOURCE_ATTRIBUTION_MEASURES_COMPARISON_H_
#define RESOURCE_ATTRIBUTION_MEASURES_COMPARISON_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "measures/estimate.h"

namespace resource_attribution::measures {

/// What tracing costs a process, by comparing those that are traced with those
/// that are not. Valid where both do the same work: see
/// docs/measuring.md. Not thread-safe.
class Comparison {
 public:
  /// The processes of one side in one pass.
  class Side {
   public:
    void Add(double memory_bytes, double cpu_percent) {
      ++processes_;
      memory_bytes_ += memory_bytes;
      memory_squares_ += memory_bytes * memory_bytes;
      cpu_percent_ += cpu_percent;
    }

    size_t processes() const { return processes_; }

    // The side has a process.
    double MeanMemoryBytes() const {
      return memory_bytes_ / static_cast<double>(processes_);
    }
    double MeanCpuPercent() const {
      return cpu_percent_ / static_cast<double>(processes_);
    }

    /// The sum of the squares of how far each lies from the mean.
    double SquaresOfMemory() const;

   private:
    size_t processes_ = 0;
    double memory_bytes_ = 0;
    double memory_squares_ = 0;
    double cpu_percent_ = 0;
  };

  /// The mean of the traced processes less that of the untraced ones; below 0
  /// where these use more.
  ///
  /// CPU changes from pass to pass: its standard error is that of
  /// MeanOverTime. Memory hardly changes, but two processes that do the same
  /// differ for hours: its standard error is that of the processes of one pass,
  /// from how far those of one side lie apart. Unknown if each side has only
  /// one.
  struct Difference {
    Estimate memory_bytes;
    Estimate cpu_percent;
  };

  /// Averages over the last `window` passes, at least one.
  explicit Comparison(size_t window) : window_(window) {}

  /// Adds a pass. When one side has no process, the window begins anew.
  void Add(const Side& traced, const Side& untraced);

  void Clear();

  /// None until the window is full.
  std::optional<Difference> Mean() const;

 private:
  struct Pass {
    double memory_bytes = 0;
    double cpu_percent = 0;
    std::optional<double> memory_variance{};  // of the difference
    size_t degrees_of_freedom = 0;            // of that variance
  };

  Estimate Memory() const;
  Estimate Cpu() const;

  const size_t window_;
  size_t next_ = 0;  // the oldest pass of a full window
  std::vector<Pass> passes_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_COMPARISON_H_
