#include "measures/comparison.h"

#include <algorithm>
#include <cmath>

namespace resource_attribution::measures {
namespace {

// The variance of the difference between the means of two sides, which are
// assumed to spread alike.
std::optional<double> VarianceOfMemory(const Comparison::Side& one,
                                       const Comparison::Side& other) {
  const auto first = static_cast<double>(one.processes());
  const auto second = static_cast<double>(other.processes());
  if (first + second <= 2) return std::nullopt;
  const double pooled =
      (one.SquaresOfMemory() + other.SquaresOfMemory()) / (first + second - 2);
  return pooled * (1 / first + 1 / second);
}

}  // namespace

// Rounding may make it a little less than 0.
double Comparison::Side::SquaresOfMemory() const {
  return std::max(memory_squares_ -
                      memory_bytes_ * memory_bytes_ /
                          static_cast<double>(std::max<size_t>(processes_, 1)),
                  0.0);
}

void Comparison::Add(const Side& traced, const Side& untraced) {
  if (traced.processes() == 0 || untraced.processes() == 0) {
    Clear();
    return;
  }
  const Pass pass{
      .memory_bytes = traced.MeanMemoryBytes() - untraced.MeanMemoryBytes(),
      .cpu_percent = traced.MeanCpuPercent() - untraced.MeanCpuPercent(),
      .memory_variance = VarianceOfMemory(traced, untraced),
      .degrees_of_freedom = traced.processes() + untraced.processes() - 2};
  if (passes_.size() < window_) {
    passes_.push_back(pass);
    return;
  }
  passes_[next_] = pass;
  next_ = (next_ + 1) % window_;
}

void Comparison::Clear() {
  passes_.clear();
  next_ = 0;
}

std::optional<Comparison::Difference> Comparison::Mean() const {
  if (passes_.size() < window_) return std::nullopt;
  return Difference{.memory_bytes = Memory(), .cpu_percent = Cpu()};
}

Estimate Comparison::Memory() const {
  const auto count = static_cast<double>(passes_.size());
  Estimate estimate;
  double variance = 0;
  bool is_known = true;
  for (const Pass& pass : passes_) {
    estimate.mean += pass.memory_bytes / count;
    variance += pass.memory_variance.value_or(0) / count;
    is_known = is_known && pass.memory_variance;
  }
  if (is_known) {
    estimate.standard_error = std::sqrt(variance);
    estimate.degrees_of_freedom = passes_.back().degrees_of_freedom;
  }
  return estimate;
}

Estimate Comparison::Cpu() const {
  return MeanOverTime(passes_.size(), [this](size_t age) {
    return passes_[(next_ + age) % passes_.size()].cpu_percent;
  });
}

}  // namespace resource_attribution::measures
