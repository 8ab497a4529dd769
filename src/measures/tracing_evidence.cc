#include "measures/tracing_evidence.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "procfs/kilobytes.h"
#include "procfs/proc_exe.h"
#include "procfs/proc_maps.h"

namespace resource_attribution::measures {
namespace {

using procfs::BaseName;
using procfs::NextWord;

std::string_view Trimmed(std::string_view text) {
  constexpr auto kBlanks = " \t\r\n"sv;
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The first mark that begins a word of `text`: "otel" is none of "hotel".
const Mark* FindMark(std::span<const Mark> marks, std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (Lower(c) >= 'a' && Lower(c) <= 'z') || (c >= '0' && c <= '9');
  };
  for (const Mark& mark : marks) {
    size_t at = text.find(mark.text);
    while (at != std::string_view::npos) {
      if (at == 0 || !is_alphanumeric(text[at - 1])) return &mark;
      at = text.find(mark.text, at + 1);
    }
  }
  return nullptr;
}

// Whether this option of Node.js or Ruby, or the argument behind it, names a
// module to load.
bool LoadsModule(std::string_view option) {
  constexpr std::array kOptions = {"-r"sv, "--require"sv, "--import"sv,
                                   "--loader"sv, "--experimental-loader"sv};
  return std::ranges::any_of(kOptions, [option](std::string_view name) {
    return option.starts_with(name);
  });
}

// getenv(3) knows the first variable of a name only.
bool IsFirst(bool& seen) { return !std::exchange(seen, true); }

// Whether a program of this name is a runtime: "python3.11" is Python.
bool IsRuntime(std::string_view name) {
  return std::ranges::any_of(kRuntimes, [name](std::string_view runtime) {
    if (!name.starts_with(runtime)) return false;
    const std::string_view rest = name.substr(runtime.size());
    return runtime.ends_with('-') || rest.empty() || rest.front() == '.' ||
           (rest.front() >= '0' && rest.front() <= '9');
  });
}

bool BeginsWithAny(std::string_view text, const auto& beginnings) {
  return std::ranges::any_of(beginnings, [text](std::string_view beginning) {
    return text.starts_with(beginning);
  });
}

}  // namespace

// The evidence is the text of the mark, unless `where` it stands says more.
void TracingEvidence::AddSign(const Mark* mark, const char* where) {
  if (mark == nullptr || signs_[mark->vendor] != nullptr) return;
  signs_[mark->vendor] = where != nullptr ? where : mark->text.data();
}

void TracingEvidence::Set(size_t setting, std::string_view value, Source source,
                          const char* name) {
  Known& known = settings_[setting];
  if (source < known.source) return;
  if (source == Source::kVariable && known.source == source) return;
  known = {.source = source,
           .holds = kSettings[setting].holds(Trimmed(value)),
           .name = name};
}

void TracingEvidence::AddVariable(const procfs::Variable& variable) {
  const auto [name, value] = variable;
  for (size_t i = 0; i < kSettings.size(); ++i) {
    const char* of_setting = kSettings[i].variable;
    if (name == of_setting) Set(i, value, Source::kVariable, of_setting);
  }
  // Empty counts as not set (opentelemetry-specification, common.md).
  if (!Trimmed(value).empty()) {
    for (const Mark& prefix : kPrefixes) {
      if (name.starts_with(prefix.text)) AddSign(&prefix);
    }
  }
  for (size_t i = 0; i < kJavaOptions.size(); ++i) {
    const auto& [of_options, source] = kJavaOptions[i];
    if (name != of_options || !IsFirst(java_seen_[i])) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      AddJavaOption(NextWord(rest, " \t\r\n"sv), source, of_options);
    }
  }
  for (size_t i = 0; i < kLoaders.size(); ++i) {
    const auto& [of_loader, marks] = kLoaders[i];
    if (name != of_loader || !IsFirst(loader_seen_[i])) continue;
    AddSign(FindMark(marks, value), of_loader);
  }
  if (name == "CORECLR_ENABLE_PROFILING" && IsFirst(profiling_seen_)) {
    profiling_ = Trimmed(value) == "1";
  }
  if (name == "CORECLR_PROFILER" && IsFirst(profiler_seen_)) {
    const auto* found =
        std::ranges::find_if(kProfilers, [value = value](const Mark& mark) {
          return EqualIgnoringCase(mark.text, Trimmed(value));
        });
    if (found != kProfilers.end()) profiler_ = found;
  }
}

void TracingEvidence::AddEnviron(std::string_view environ) {
  is_overwritten_ = procfs::IsOverwritten(environ);
  while (const auto variable = procfs::NextVariable(environ)) {
    AddVariable(*variable);
  }
  if (profiling_) AddSign(profiler_, "CORECLR_PROFILER");
}

void TracingEvidence::AddJavaOption(std::string_view option, Source source,
                                    const char* where) {
  constexpr auto kAgent = "-javaagent:"sv;
  if (option.starts_with(kAgent)) {
    option.remove_prefix(kAgent.size());
    // Its own options follow the path.
    AddSign(FindMark(kAgents, option.substr(0, option.find('='))), where);
  } else if (option.starts_with("-D")) {
    AddProperty(option.substr(2), source);
  }
}

void TracingEvidence::AddProperty(std::string_view property, Source source) {
  static constexpr Mark kPrefix{kOpenTelemetry, "otel."};
  const size_t equals = property.find('=');
  if (equals == 0 || equals == std::string_view::npos) return;
  const std::string_view name = property.substr(0, equals);
  for (size_t i = 0; i < kSettings.size(); ++i) {
    const char* of_setting = kSettings[i].property;
    if (name == of_setting) {
      Set(i, property.substr(equals + 1), source, of_setting);
    }
  }
  if (name.starts_with(kPrefix.text)) AddSign(&kPrefix);
}

void TracingEvidence::AddArguments(std::string_view arguments) {
  constexpr auto kEnd = "\0"sv;
  constexpr auto kWhere = "command line";
  std::string_view rest = arguments;
  const std::string_view program = BaseName(NextWord(rest, kEnd));
  const bool loads_modules =
      program.starts_with("node") || program.starts_with("ruby");

  // A script with `#!` has its interpreter before it.
  std::string_view behind = rest;
  for (const std::string_view command :
       {program, BaseName(NextWord(behind, kEnd))}) {
    const auto* found = std::ranges::find(kCommands, command, &Mark::text);
    if (found != kCommands.end()) AddSign(found);
  }

  bool module_follows = false;
  while (!rest.empty()) {
    const std::string_view argument = NextWord(rest, kEnd);
    // What follows is for the application.
    if (argument == "-jar") break;
    AddJavaOption(argument, Source::kArguments, kWhere);
    if (!loads_modules) continue;
    const bool loads = LoadsModule(argument);
    if (loads || module_follows) AddSign(FindMark(kAgents, argument), kWhere);
    module_follows = loads;
  }
}

void TracingEvidence::AddMaps(std::string_view maps,
                              std::string_view executable) {
  has_runtime_ = IsRuntime(BaseName(executable));
  std::string_view previous;
  bool previous_is_code = false;
  while (const auto file = procfs::NextMappedFile(maps)) {
    if (file->path == previous && file->is_code <= previous_is_code) continue;
    previous = file->path;
    previous_is_code = file->is_code;
    const std::string_view path = procfs::ParseExe(file->path);
    AddSign(FindMark(kMapped, path));
    const std::string_view name = BaseName(path);
    if (BeginsWithAny(name, kRuntimeLibraries)) has_runtime_ = true;
    if (name.starts_with("libjvm.so")) has_jvm_ = true;
    if (path == executable) continue;
    if (FindMark(kMappedHints, path) != nullptr) {
      foreign_ = "it has mapped a library that may trace";
    } else if (file->is_code && foreign_ == nullptr &&
               !BeginsWithAny(path, kLibraryDirectories)) {
      foreign_ = "it has libraries that are not those of the system";
    }
  }
}

void TracingEvidence::AddOpenFile(std::string_view path) {
  AddSign(FindMark(kMapped, path));
}

// The first setting with the effect whose condition holds; null: none.
const TracingEvidence::Known* TracingEvidence::Holding(Vendor vendor,
                                                       Effect effect) const {
  for (size_t i = 0; i < kSettings.size(); ++i) {
    const bool is_heeded = (program_.unheeded >> i & 1) == 0 ||
                           settings_[i].source != Source::kVariable;
    if (kSettings[i].vendor == vendor && kSettings[i].effect == effect &&
        settings_[i].holds && is_heeded) {
      return &settings_[i];
    }
  }
  return nullptr;
}

// Null: nothing does.
const char* TracingEvidence::WhatTurnsOff(Vendor vendor) const {
  // The file takes precedence (opentelemetry-specification,
  // sdk-environment-variables.md, "Declarative configuration").
  if (Holding(vendor, Effect::kFileConfiguresSdk) == nullptr) {
    if (const Known* off = Holding(vendor, Effect::kSdkOff)) return off->name;
    const Known* zero = Holding(vendor, Effect::kRatioIsZero);
    if (zero != nullptr && Holding(vendor, Effect::kSamplesByRatio)) {
      return zero->name;
    }
  }
  const Known* off = Holding(vendor, Effect::kAgentOff);
  return off != nullptr ? off->name : nullptr;
}

// What shows that an SDK or agent of the vendor is there; null: nothing.
const char* TracingEvidence::SignOf(Vendor vendor) const {
  if (signs_[vendor] != nullptr) return signs_[vendor];
  // What was overwritten may have turned off what is linked into the program.
  const bool is_linked =
      program_.answer == ProgramSigns::Answer::kSdk && !is_overwritten_;
  return is_linked && program_.vendor == vendor ? program_.evidence : nullptr;
}

const char* TracingEvidence::WhyUnknown() const {
  if (is_overwritten_) return "it has overwritten its environment";
  if (has_runtime_) {
    return "its interpreter or virtual machine does not show what it "
           "executes";
  }
  return program_.answer == ProgramSigns::Answer::kUnknown ? program_.evidence
                                                           : foreign_;
}

Detection TracingEvidence::Decide() const {
  using store::TracingState;
  const auto traced = [](const char* evidence) {
    return Detection{.tracing = TracingState::kTraced, .evidence = evidence};
  };
  const char* off = nullptr;
  for (size_t i = 0; i < kVendors; ++i) {
    const auto vendor = static_cast<Vendor>(i);
    const char* turned_off = WhatTurnsOff(vendor);
    const char* sign = SignOf(vendor);
    if (turned_off == nullptr && sign != nullptr) return traced(sign);
    if (off == nullptr) off = turned_off;
  }
  if (off != nullptr && has_connection_) return kContradiction;
  if (off != nullptr) {
    return {.tracing = TracingState::kUntraced,
            .evidence = off,
            .is_switched_off = true};
  }
  if (has_connection_) return traced("connection to an export port");
  if (has_tracing_thread_) return traced("thread of an SDK");
  if (program_.answer == ProgramSigns::Answer::kNoSdk && !has_runtime_ &&
      foreign_ == nullptr) {
    return {.tracing = TracingState::kUntraced, .evidence = program_.evidence};
  }
  return {.evidence = WhyUnknown()};
}

}  // namespace resource_attribution::measures
