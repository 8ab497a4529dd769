#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTION_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTION_H_

#include <string_view>

#include "procfs/file.h"
#include "procfs/process.h"
#include "procfs/result.h"
#include "store/record.h"

namespace resource_attribution::measures {

/// Tells whether a process is traced, as far as can be seen from outside: by
/// the environment and the arguments with which its program was executed, and
/// by the files it has mapped. What a program decides by itself cannot be seen:
/// a program that links an SDK statically and is not configured by variables
/// looks like one that is not traced.
using store::Detection;
using store::Tracing;

/// The decision by the contents of `/proc/PID/environ`, `cmdline` and `maps`.
Detection DetectTracing(std::string_view environ, std::string_view cmdline,
                        std::string_view maps);

/// Reads them, `maps` only unless the others show tracing. An error: it cannot
/// be told. It is Denied() where the environment may not be read, EFBIG where
/// a file is too large to be read whole and nothing before decided.
procfs::Result<Detection> DetectTracing(const procfs::Process& process,
                                        procfs::Buffer& buffer);

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTION_H_
