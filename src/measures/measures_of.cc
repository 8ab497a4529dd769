#include "measures/measures_of.h"

#include "measures/compared_overhead.h"
#include "measures/cpu.h"
#include "measures/memory.h"
#include "measures/named_threads.h"
#include "measures/overhead.h"
#include "measures/tracing_detector.h"
#include "measures/traffic_of_service.h"

namespace resource_attribution::measures {

Measures MeasuresOf(const Service& service, size_t index,
                    ExportTraffic* traffic, TracingDetection* detection) {
  Measures measures;
  const auto add = [&measures]<typename M>(std::unique_ptr<M> measure) -> M& {
    M& added = *measure;
    measures.push_back(std::move(measure));
    return added;
  };
  Memory& memory = add(std::make_unique<Memory>(service, index));
  add(std::make_unique<Cpu>());
  if (service.DetectsTracing() && !service.untraced) {
    add(std::make_unique<TracingDetector>(service, index, detection));
  }
  const bool threads_trace = NamedThreads::MeasuresTracing(service);
  NamedThreads* threads = nullptr;
  if (threads_trace || !service.components.empty()) {
    threads = &add(std::make_unique<NamedThreads>(service, index));
  }
  if (service.tracing_overhead == TracingOverhead::kCompared) {
    add(std::make_unique<ComparedOverhead>(service, index, memory));
  } else {
    add(std::make_unique<Overhead>(service, index, memory,
                                   threads_trace ? threads : nullptr));
  }
  if (!service.tracing_export_ports.empty()) {
    add(std::make_unique<TrafficOfService>(index, *traffic));
  }
  return measures;
}

}  // namespace resource_attribution::measures
