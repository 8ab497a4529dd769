#ifndef RESOURCE_ATTRIBUTION_TRACE_SAMPLING_STRATEGIES_H_
#define RESOURCE_ATTRIBUTION_TRACE_SAMPLING_STRATEGIES_H_

#include <string>
#include <string_view>
#include <vector>

namespace resource_attribution::trace_sampling {

/// The ratio of its traces that a service samples.
struct ServiceRatio {
  std::string service;  ///< `service.name` of its traces
  double ratio = 0;
};

/// Jaeger's file of sampling strategies, which its remote_sampling extension
/// and the OpenTelemetry collector's jaegerremotesampling extension read.
/// `other_ratio` is that of all services that are not listed.
std::string StrategiesText(const std::vector<ServiceRatio>& ratios,
                           double other_ratio);

/// The answer of `GET /sampling?service=NAME` of Jaeger's protocol for remote
/// sampling (sampling.proto).
std::string AnswerText(double ratio);

// Whether a text was written by one of these functions, of any version.
bool IsStrategiesText(std::string_view text);
bool IsAnswerText(std::string_view text);

}  // namespace resource_attribution::trace_sampling

#endif  // RESOURCE_ATTRIBUTION_TRACE_SAMPLING_STRATEGIES_H_
