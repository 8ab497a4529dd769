#include "measures/comparison.h"

#include <cmath>

namespace resource_attribution::measures {
namespace {

Comparison::Estimate EstimateOf(const auto& passes, auto value) {
  const auto count = static_cast<double>(passes.size());
  double sum = 0;
  for (const auto& pass : passes) sum += pass.*value;
  const double mean = sum / count;
  double squares = 0;
  for (const auto& pass : passes) {
    squares += (pass.*value - mean) * (pass.*value - mean);
  }
  const double variance = passes.size() > 1 ? squares / (count - 1) : 0;
  return {.mean = mean, .deviation = std::sqrt(variance)};
}

}  // namespace

void Comparison::Add(const Side& traced, const Side& untraced) {
  if (traced.processes() == 0 || untraced.processes() == 0) {
    Clear();
    return;
  }
  const Pass pass{
      .memory_bytes = traced.MeanMemoryBytes() - untraced.MeanMemoryBytes(),
      .cpu_percent = traced.MeanCpuPercent() - untraced.MeanCpuPercent()};
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
  return Difference{.memory_bytes = EstimateOf(passes_, &Pass::memory_bytes),
                    .cpu_percent = EstimateOf(passes_, &Pass::cpu_percent)};
}

}  // namespace resource_attribution::measures
