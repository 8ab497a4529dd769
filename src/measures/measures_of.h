#ifndef RESOURCE_ATTRIBUTION_MEASURES_MEASURES_OF_H_
#define RESOURCE_ATTRIBUTION_MEASURES_MEASURES_OF_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "config/config.h"
#include "measures/export_traffic.h"
#include "measures/measure.h"
#include "measures/tracing_detection.h"

namespace resource_attribution::measures {

using Measures = std::vector<std::unique_ptr<Measure>>;

/// What the service with this index asks for, in the order in which a pass
/// finishes. `traffic` and `detection` are those of all services; null where
/// none asks for them.
/// What is passed in has to outlive the measures.
Measures MeasuresOf(const Service& service, size_t index,
                    ExportTraffic* traffic, TracingDetection* detection);

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_MEASURES_OF_H_
