#ifndef RESOURCE_ATTRIBUTION_MEASURES_ESTIMATE_H_
#define RESOURCE_ATTRIBUTION_MEASURES_ESTIMATE_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>

namespace resource_attribution::measures {

/// The mean of figures, and its standard error; none: unknown.
struct Estimate {
  double mean = 0;
  std::optional<double> standard_error{};
  size_t degrees_of_freedom = 0;  ///< of the standard error

  /// Whether the mean is more than what chance makes of figures around 0, in
  /// nineteen of twenty windows: two standard errors, or more where the error
  /// is from few figures (Student's t, one-sided).
  bool IsCost() const;
};

/// The mean of `count` figures, at least one; `at` returns one by its index, in
/// the order in which they were measured. The standard error is that of the
/// means of ten parts of the time, because figures beside each other resemble
/// each other.
template <typename At>
Estimate MeanOverTime(size_t count, At at) {
  constexpr size_t kParts = 10;
  const size_t parts = std::min(count, kParts);
  std::array<double, kParts> sums{};
  std::array<double, kParts> counts{};
  Estimate estimate;
  for (size_t i = 0; i < count; ++i) {
    const double figure = at(i);
    sums[i * parts / count] += figure;
    ++counts[i * parts / count];
    estimate.mean += figure / static_cast<double>(count);
  }
  if (parts < 2) return estimate;
  double squares = 0;
  for (size_t part = 0; part < parts; ++part) {
    const double away = sums[part] / counts[part] - estimate.mean;
    squares += away * away;
  }
  const auto number = static_cast<double>(parts);
  estimate.standard_error = std::sqrt(squares / (number - 1) / number);
  estimate.degrees_of_freedom = parts - 1;
  return estimate;
}

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_ESTIMATE_H_
