#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRACING_EVIDENCE_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRACING_EVIDENCE_H_

#include <array>
#include <cstddef>
#include <string_view>

#include "measures/known_tracers.h"
#include "measures/program_signs.h"
#include "procfs/proc_environ.h"
#include "store/record.h"

namespace resource_attribution::measures {

using store::Detection;

/// What a process that is told not to trace and has a connection to an export
/// port comes to. It may send metrics or logs, or not heed what it is told: an
/// SDK prefers what the code says to variables.
inline constexpr Detection kContradiction{
    .evidence =
        "it is told not to trace, but has a connection to an export port"};

/// What was seen of a process that tells whether it is traced. Keeps no byte of
/// the process, and reads nothing.
///
/// Each Add takes the content of a file, or what a system call returned. Any of
/// it may be hostile.
class TracingEvidence {
 public:
  void AddEnviron(std::string_view environ);

  /// The content of `cmdline`.
  void AddArguments(std::string_view arguments);

  /// The content of `maps`, and the path of the program; empty: unknown.
  void AddMaps(std::string_view maps, std::string_view executable);

  /// The path of an open file.
  void AddOpenFile(std::string_view path);

  /// The process has a connection to an export port.
  void AddConnection() { has_connection_ = true; }

  /// The process has a thread with the name of one of an SDK.
  void AddTracingThread() { has_tracing_thread_ = true; }

  void AddProgram(const ProgramSigns& signs) { program_ = signs; }

  /// Whether an interpreter or a virtual machine executes the application, so
  /// that the program shows nothing of it.
  bool HasRuntime() const { return has_runtime_; }

  /// Whether that is a JVM: it keeps the jars of its class path open.
  bool HasJvm() const { return has_jvm_; }

  Detection Decide() const;

 private:
  struct Known {
    Source source = Source::kNone;
    bool holds = false;
    const char* name = "";
  };

  void AddVariable(const procfs::Variable& variable);
  void AddJavaOption(std::string_view option, Source source, const char* where);
  void AddProperty(std::string_view property, Source source);
  void Set(size_t setting, std::string_view value, Source source,
           const char* name);
  void AddSign(const Mark* mark, const char* where = nullptr);
  const Known* Holding(Vendor vendor, Effect effect) const;
  const char* WhatTurnsOff(Vendor vendor) const;
  const char* SignOf(Vendor vendor) const;
  const char* WhyUnknown() const;

  std::array<Known, kSettings.size()> settings_;
  std::array<const char*, kVendors> signs_{};
  bool has_connection_ = false;
  bool has_tracing_thread_ = false;
  std::array<bool, kJavaOptions.size()> java_seen_{};
  std::array<bool, kLoaders.size()> loader_seen_{};
  bool profiling_seen_ = false;
  bool profiling_ = false;
  bool profiler_seen_ = false;
  const Mark* profiler_ = nullptr;
  bool is_overwritten_ = false;  // the environment
  bool has_runtime_ = false;
  bool has_jvm_ = false;
  const char* foreign_ = nullptr;  // why its libraries may trace
  ProgramSigns program_{};
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRACING_EVIDENCE_H_
