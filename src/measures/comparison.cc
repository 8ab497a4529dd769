#include "measures/comparison.h"

#include <algorithm>
#include <array>
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

bool Comparison::Estimate::IsCost() const {
  // The 95th percentiles of Student's t with 1 to 5 degrees of freedom.
  constexpr std::array kFactors{6.31, 2.92, 2.35, 2.13, 2.02};
  if (!standard_error || degrees_of_freedom == 0) return false;
  const double factor = degrees_of_freedom <= kFactors.size()
                            ? kFactors[degrees_of_freedom - 1]
                            : 2;
  return mean > factor * *standard_error;
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

Comparison::Estimate Comparison::Memory() const {
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

Comparison::Estimate Comparison::Cpu() const {
  constexpr size_t kParts = 10;
  const size_t parts = std::min(passes_.size(), kParts);
  std::array<double, kParts> means{};
  std::array<double, kParts> counts{};
  Estimate estimate;
  for (size_t i = 0; i < passes_.size(); ++i) {
    const double percent =
        passes_[(next_ + i) % passes_.size()].cpu_percent;  // by age
    means[i * parts / passes_.size()] += percent;
    ++counts[i * parts / passes_.size()];
    estimate.mean += percent / static_cast<double>(passes_.size());
  }
  if (parts < 2) return estimate;
  double squares = 0;
  for (size_t part = 0; part < parts; ++part) {
    const double away = means[part] / counts[part] - estimate.mean;
    squares += away * away;
  }
  const auto count = static_cast<double>(parts);
  estimate.standard_error = std::sqrt(squares / (count - 1) / count);
  estimate.degrees_of_freedom = parts - 1;
  return estimate;
}

}  // namespace resource_attribution::measures
