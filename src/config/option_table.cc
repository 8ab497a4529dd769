#include "config/option_table.h"

#include <algorithm>
#include <type_traits>

#include "config/value_kinds.h"

namespace resource_attribution::options {
namespace {

using discovery::Selectors;

constexpr Scopes kBoth = kPlugin | kProcess;
constexpr Scopes kSelection = kProcess | kUntraced;

template <typename Enum>
struct Choice {
  struct Word {
    const char* text;
    Enum value;
    Scopes scopes = kBoth;
  };
  std::vector<Word> words;
  const char* name = "choice";

  Parsed<Enum> Read(const Item& item, Scope where) const {
    const std::string* text = OnlyText(item);
    std::string known;
    for (const Word& word : words) {
      if ((word.scopes & where) == 0) continue;
      if (text != nullptr && Item{*text}.Is(word.text)) return word.value;
      known += (known.empty() ? "\"" : " or \"") + std::string(word.text) + '"';
    }
    return tl::unexpected(known);
  }
};

template <typename Field>
constexpr bool kIsList = requires(Field& field) {
  field.pop_back();
};
template <>
constexpr bool kIsList<std::string> = false;

template <typename Kind, typename Field>
auto Read(const Kind& kind, const Item& item, Scope where, const Field& field) {
  if constexpr (requires { kind.words; }) {
    return kind.Read(item, where);
  } else if constexpr (std::is_same_v<Kind, Ports>) {
    return kind.Read(item, field.size());
  } else {
    return kind.Read(item);
  }
}

template <typename Field, typename Value>
void Store(Field& field, Value value) {
  if constexpr (std::is_same_v<Field, std::vector<uint16_t>>) {
    field.insert(field.end(), value.begin(), value.end());
  } else if constexpr (kIsList<Field>) {
    field.push_back(std::move(value));
  } else {
    field = std::move(value);
  }
}

template <typename Owner>
Owner& In(const Target& target) {
  if constexpr (std::is_same_v<Owner, Config>) return *target.config;
  if constexpr (std::is_same_v<Owner, Selectors>) return *target.selectors;
  if constexpr (std::is_same_v<Owner, Component>) return *target.component;
  if constexpr (std::is_same_v<Owner, Sampling>) return *target.sampling;
  if constexpr (std::is_same_v<Owner, SamplingFiles>) {
    return target.config->sampling_files;
  }
  if constexpr (std::is_base_of_v<Owner, Service>) return *target.service;
}

// The value as in the file; empty if the default is no value.
template <typename Kind, typename Field>
std::string DefaultText(const Kind& kind, const Field& field) {
  if constexpr (requires { kind.words; }) {
    for (const auto& word : kind.words) {
      if (word.value == field) return '"' + std::string(word.text) + '"';
    }
  } else if constexpr (std::is_same_v<Field, bool>) {
    return field ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<Field>) {
    return FormatNumber(static_cast<double>(field));
  } else if constexpr (std::is_same_v<Field, std::string>) {
    return '"' + field + '"';
  }
  return {};
}

// An option that sets `field`. Its default is the initial value of the field,
// unless `default_text` has one.
template <typename Kind, typename Owner, typename Field>
Option Row(const char* name, Scopes scopes, Kind kind, Field Owner::*field,
           const char* help, std::optional<std::string> default_text = {}) {
  Option option{
      .name = name, .scopes = scopes, .kind = kind.name, .help = help};
  if constexpr (requires { kind.max; }) option.range = {kind.min, kind.max};
  if constexpr (requires { kind.words; }) {
    for (const auto& word : kind.words) {
      option.words.emplace_back(word.text, word.scopes & scopes);
    }
  }
  option.default_text =
      default_text ? *default_text : DefaultText(kind, Owner{}.*field);
  option.is_repeatable = kIsList<Field>;
  option.set = [kind, field](const Item& item, Scope where,
                             const Target& target) -> Expected {
    Field& stored = In<Owner>(target).*field;
    auto value = Read(kind, item, where, stored);
    if (!value) return value.error();
    Store(stored, *std::move(value));
    return std::nullopt;
  };
  return option;
}

template <typename Kind, typename Field>
Option Selector(const char* name, Kind kind, Field Selectors::*field,
                const char* help) {
  Option option = Row(name, kSelection, kind, field, help, "");
  option.is_selector = true;
  return option;
}

Option Block(const char* name, Scopes scopes, bool is_repeatable,
             const char* help) {
  return {.name = name,
          .scopes = scopes,
          .kind = "block",
          .help = help,
          .is_repeatable = is_repeatable};
}

// The table. An option is a row here and a field in config.h.

std::vector<Option> OfThePlugin() {
  return {
      Row("Enabled", kPlugin, Boolean{}, &Config::enabled,
          "If false, the plugin checks the configuration but reads nothing."),
      Row("Interval", kPlugin, kInterval, &Config::interval_seconds,
          "Seconds between two passes.",
          FormatNumber(Config::kDefaultIntervalSeconds)),
      Row("ProcPath", kPlugin, kPath, &Config::proc_path,
          "Where procfs is mounted."),
      Row("CPUPercentOf", kPlugin,
          Choice<CpuPercentOf>{
              {{"Core", CpuPercentOf::kCore}, {"Host", CpuPercentOf::kHost}}},
          &Config::cpu_percent_of,
          "What 100 % CPU means: one CPU, or all online CPUs."),
      Row("Discovery", kPlugin,
          Choice<DiscoveryMode>{{{"Auto", DiscoveryMode::kAuto},
                                 {"Events", DiscoveryMode::kEvents},
                                 {"Scan", DiscoveryMode::kScan}}},
          &Config::discovery,
          "Finds processes by events of the kernel or by scans of /proc."),
      Row("MaxOpenFiles", kPlugin, WholeNumber{0, 1048576},
          &Config::max_open_files,
          "How many files may stay open, two for each process."),
      Row("SamplingMode", kPlugin,
          Choice<SamplingMode>{{{"Observe", SamplingMode::kObserve},
                                {"Act", SamplingMode::kAct}}},
          &Config::sampling_mode,
          "Only says how it would change sampling, or writes the files."),
      Row("SamplingFile", kPlugin, kPath, &SamplingFiles::strategies,
          "The file of Jaeger's sampling strategies that the plugin writes.",
          ""),
      Row("SamplingAnswers", kPlugin, kPath, &SamplingFiles::answers,
          "The directory of an answer for each service.", ""),
      Row("SamplingDefault", kPlugin, Number{0, 1}, &SamplingFiles::other_ratio,
          "The ratio of all other services in SamplingFile."),
  };
}

std::vector<Option> Selecting() {
  return {
      Selector("Self", Boolean{}, &Selectors::self,
               "Whether the collectd daemon itself matches."),
      Selector("PIDFile", kPath, &Selectors::pid_files,
               "The first line of this file is the PID."),
      Selector("Name", kCommandName, &Selectors::names,
               "The command name, /proc/PID/comm."),
      Selector("Executable", kPath, &Selectors::executables,
               "The path of the executable."),
      Selector("CommandLine", Expression{}, &Selectors::command_lines,
               "Matches any part of the command line."),
      Selector("User", User{}, &Selectors::users, "The effective user."),
      Selector("Cgroup", Cgroup{}, &Selectors::cgroups,
               "This cgroup, or any cgroup below it."),
      Selector("SystemdUnit", kUnit, &Selectors::systemd_units,
               "A unit of the system's systemd."),
      Row("IncludeChildren", kProcess, Boolean{}, &Selectors::include_children,
          "Descendants of a process that matches belong to the block."),
      Row("PerProcess", kProcess, Boolean{}, &Service::per_process,
          "One set of values for each process instead of the sum."),
      Row("MaxProcesses", kProcess, WholeNumber{1, 65536},
          &Service::max_processes,
          "How many processes PerProcess reports: the largest."),
      Row("MaxInstances", kProcess, WholeNumber{1, 65536},
          &Service::max_instances,
          "How many names a name with placeholders may produce."),
  };
}

std::vector<Option> Inherited() {
  return {
      Row("MemoryType", kBoth,
          Choice<MemoryType>{
              {{"Rss", MemoryType::kRss}, {"Pss", MemoryType::kPss}}},
          &Service::memory_type,
          "The memory: the resident set or the proportional set."),
      Row("PeakMemory", kBoth,
          Choice<PeakMemory>{
              {{"VmPeak", PeakMemory::kVmPeak}, {"VmHWM", PeakMemory::kVmHwm}}},
          &Service::peak_memory,
          "The peak of the virtual size or of the resident memory."),
      Row("TracingMemoryPercent", kBoth, Number{0, 100},
          &Service::tracing_memory_percent,
          "The memory estimate, in percent of the memory."),
      Row("TracingCPUPercent", kBoth, Number{0, 100},
          &Service::tracing_cpu_percent, "The CPU estimate for each process."),
      Row("TracingDetect", kBoth, Boolean{}, &Service::tracing_detect,
          "Detects whether a process is traced; if not, its overhead is 0."),
      Row("TracingOverhead", kBoth,
          Choice<TracingOverhead>{
              {{"Estimate", TracingOverhead::kEstimate},
               {"Threads", TracingOverhead::kThreads},
               {"Compared", TracingOverhead::kCompared, kProcess}}},
          &Service::tracing_overhead, "Where the tracing values come from."),
      Row("CompareWindow", kBoth, WholeNumber{1, 10000},
          &Service::compare_window,
          "How many passes \"Compared\" and <Sampling> average over."),
  };
}

std::vector<Option> OfServices() {
  return {
      Row("TracingThread", kProcess, Expression{}, &Service::tracing_threads,
          "Matches the names of the threads that trace."),
      Row("TracingProcess", kProcess, Boolean{}, &Service::tracing_process,
          "All that the processes use is tracing overhead."),
      Row("TracingExportPort", kProcess, Ports{},
          &Service::tracing_export_ports,
          "Remote TCP ports to which the processes export traces."),
      Block("Untraced", kProcess, /*is_repeatable=*/false,
            "Selects the processes of the block that are not traced."),
      Block("Component", kProcess, /*is_repeatable=*/true,
            "A part of the service, by the names of its threads."),
      Row("Thread", kComponent, Expression{}, &Component::threads,
          "Matches the name of a thread."),
      Block("Sampling", kProcess, /*is_repeatable=*/false,
            "Controls the sampling of the service by what tracing costs."),
      Row("Service", kSampling, kServiceName, &Sampling::service,
          "The service.name of its traces.", "the name of the block"),
      Row("MaxCPUShare", kSampling, Number{0.1, 100}, &Sampling::max_cpu_share,
          "Percent of the service's CPU that tracing may take.", ""),
      Row("Ratio", kSampling, Ratios{}, &Sampling::ratios,
          "The least ratio, and the greatest, which is the usual one."),
      Row("StepInterval", kSampling, Number{1, 86400}, &Sampling::step_seconds,
          "The shortest time between two changes, in seconds."),
      Block("Process", kPlugin, /*is_repeatable=*/true,
            "A service; on one line, short for a block with Name."),
      Block("ProcessMatch", kPlugin, /*is_repeatable=*/true,
            "A name and an expression: short for a block with CommandLine."),
  };
}

std::string NamesIn(Scope where) {
  std::string names;
  for (const Option& option : Table()) {
    if ((option.scopes & where) == 0) continue;
    names += (names.empty() ? "" : ", ") + std::string(option.name);
  }
  return names;
}

}  // namespace

const std::vector<Option>& Table() {
  static const std::vector<Option> table = [] {
    std::vector<Option> all;
    for (const auto rows : {OfThePlugin, Selecting, Inherited, OfServices}) {
      for (Option& option : rows()) all.push_back(std::move(option));
    }
    return all;
  }();
  return table;
}

std::optional<std::string> Set(const Item& item, Scope where,
                               const Target& target) {
  const auto option =
      std::ranges::find_if(Table(), [&item, where](const Option& one) {
        return (one.scopes & where) != 0 && item.Is(one.name);
      });
  if (option == Table().end()) {
    return "unknown option " + item.Text() + "; known here: " + NamesIn(where) +
           (where == kPlugin ? " (and selectors in a <Process> block)" : "");
  }
  const Expected expected = option->set(item, where, target);
  if (!expected) return std::nullopt;
  return "option " + item.Text() + ": expected " + *expected;
}

std::string SelectorNames() {
  std::string names;
  for (const Option& option : Table()) {
    if (!option.is_selector) continue;
    names += (names.empty() ? "" : ", ") + std::string(option.name) +
             (option.is_repeatable ? "" : " true");
  }
  return names;
}

}  // namespace resource_attribution::options
