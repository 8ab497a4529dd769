#include "measures/tracing_detection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "measures/known_tracers.h"
#include "procfs/proc_environ.h"
#include "procfs/proc_maps.h"

namespace resource_attribution::measures {
namespace {

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

std::string_view NextWord(std::string_view& rest, std::string_view separators) {
  rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(separators));
  rest.remove_prefix(word.size());
  return word;
}

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
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

// What was seen so far; no byte of the process.
class Evidence {
 public:
  void AddEnviron(std::string_view environ);
  void AddArguments(std::string_view arguments);
  void AddMaps(std::string_view maps);
  Detection Decide() const;

 private:
  struct Known {
    Source source = Source::kNone;
    bool holds = false;
    const char* name = "";
  };

  // getenv(3) knows the first variable of a name only.
  static bool IsFirst(bool& seen) { return !std::exchange(seen, true); }

  void AddVariable(const procfs::Variable& variable);
  void AddJavaOption(std::string_view option, Source source, const char* where);
  void AddProperty(std::string_view property, Source source);
  void Set(size_t setting, std::string_view value, Source source,
           const char* name);
  void AddSign(const Mark* mark, const char* evidence);
  const Known* Holding(Vendor vendor, Effect effect) const;
  const char* WhatTurnsOff(Vendor vendor) const;

  std::array<Known, kSettings.size()> settings_;
  std::array<const char*, kVendors> signs_{};
  std::array<bool, kJavaOptions.size()> java_seen_{};
  std::array<bool, kLoaders.size()> loader_seen_{};
  bool profiling_seen_ = false;
  bool profiling_ = false;
  bool profiler_seen_ = false;
  const Mark* profiler_ = nullptr;
};

void Evidence::AddSign(const Mark* mark, const char* evidence) {
  if (mark == nullptr || signs_[mark->vendor] != nullptr) return;
  signs_[mark->vendor] = evidence;
}

void Evidence::Set(size_t setting, std::string_view value, Source source,
                   const char* name) {
  Known& known = settings_[setting];
  if (source < known.source) return;
  if (source == Source::kVariable && known.source == source) return;
  known = {.source = source,
           .holds = kSettings[setting].holds(Trimmed(value)),
           .name = name};
}

void Evidence::AddVariable(const procfs::Variable& variable) {
  const auto [name, value] = variable;
  for (size_t i = 0; i < kSettings.size(); ++i) {
    const char* of_setting = kSettings[i].variable;
    if (name == of_setting) Set(i, value, Source::kVariable, of_setting);
  }
  // Empty counts as not set (opentelemetry-specification, common.md).
  if (!Trimmed(value).empty()) {
    for (const Mark& prefix : kPrefixes) {
      if (name.starts_with(prefix.text)) AddSign(&prefix, prefix.text.data());
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

void Evidence::AddEnviron(std::string_view environ) {
  while (const auto variable = procfs::NextVariable(environ)) {
    AddVariable(*variable);
  }
  if (profiling_) AddSign(profiler_, "CORECLR_PROFILER");
}

void Evidence::AddJavaOption(std::string_view option, Source source,
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

void Evidence::AddProperty(std::string_view property, Source source) {
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
  if (name.starts_with(kPrefix.text)) AddSign(&kPrefix, kPrefix.text.data());
}

void Evidence::AddArguments(std::string_view arguments) {
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
    if (found != kCommands.end()) AddSign(found, found->text.data());
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

void Evidence::AddMaps(std::string_view maps) {
  std::string_view previous;
  while (const auto file = procfs::NextMappedFile(maps)) {
    if (*file == previous) continue;
    previous = *file;
    const Mark* mark = FindMark(kMapped, *file);
    if (mark != nullptr) AddSign(mark, mark->text.data());
  }
}

// The first setting with the effect whose condition holds; null: none.
const Evidence::Known* Evidence::Holding(Vendor vendor, Effect effect) const {
  for (size_t i = 0; i < kSettings.size(); ++i) {
    if (kSettings[i].vendor == vendor && kSettings[i].effect == effect &&
        settings_[i].holds) {
      return &settings_[i];
    }
  }
  return nullptr;
}

// Null: nothing does.
const char* Evidence::WhatTurnsOff(Vendor vendor) const {
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

Detection Evidence::Decide() const {
  const char* off = nullptr;
  for (size_t vendor = 0; vendor < kVendors; ++vendor) {
    const char* turned_off = WhatTurnsOff(static_cast<Vendor>(vendor));
    if (turned_off == nullptr && signs_[vendor] != nullptr) {
      return {.tracing = Tracing::kOn, .evidence = signs_[vendor]};
    }
    if (off == nullptr) off = turned_off;
  }
  if (off != nullptr) return {.tracing = Tracing::kOff, .evidence = off};
  return {};
}

tl::unexpected<procfs::Error> TooLarge(const char* file) {
  return tl::unexpected(procfs::Error{.file = file, .system_error = EFBIG});
}

}  // namespace

Detection DetectTracing(std::string_view environ, std::string_view cmdline,
                        std::string_view maps) {
  Evidence evidence;
  evidence.AddEnviron(environ);
  evidence.AddArguments(cmdline);
  evidence.AddMaps(maps);
  return evidence.Decide();
}

procfs::Result<Detection> DetectTracing(const procfs::Process& process,
                                        procfs::Buffer& buffer) {
  Evidence evidence;
  const auto environ = process.ReadEnviron(buffer);
  if (!environ) return tl::unexpected(environ.error());
  evidence.AddEnviron(environ->bytes);
  // Passwords are common there; they need not lie around in the daemon.
  std::fill_n(buffer.begin(), environ->bytes.size(), '\0');

  const auto arguments = process.ReadArguments(buffer);
  if (!arguments) return tl::unexpected(arguments.error());
  evidence.AddArguments(*arguments);
  if (const Detection detection = evidence.Decide();
      detection.tracing == Tracing::kOn) {
    return detection;
  }

  const auto maps = process.ReadMaps(buffer);
  if (!maps) return tl::unexpected(maps.error());
  evidence.AddMaps(maps->bytes);
  const Detection detection = evidence.Decide();
  if (detection.tracing == Tracing::kAbsent) {
    if (environ->cut) return TooLarge("/proc/PID/environ");
    if (maps->cut) return TooLarge("/proc/PID/maps");
  }
  return detection;
}

}  // namespace resource_attribution::measures
