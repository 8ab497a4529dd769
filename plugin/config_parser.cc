#include "config_parser.h"

#include <strings.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "discovery/expression.h"
#include "discovery/name_template.h"
#include "option_values.h"

namespace resource_attribution {
namespace {

using attribution::TracingOverhead;

// Groups of threads are 64, and one is of those that trace.
constexpr size_t kComponentsMax = 63;
constexpr size_t kExportPortsMax = 64;

// What would be valid, when a value is not.
using Expected = std::optional<std::string>;
constexpr std::nullopt_t kValid = std::nullopt;

// Sets an option in a Config or a Service.
template <typename Target>
struct Option {
  const char* name;
  Expected (*set)(const oconfig_item_t& item, Target& target);
};

std::span<const oconfig_value_t> ValuesOf(const oconfig_item_t& item) {
  return {item.values, static_cast<size_t>(item.values_num)};
}

std::span<const oconfig_item_t> ChildrenOf(const oconfig_item_t& item) {
  return {item.children, static_cast<size_t>(item.children_num)};
}

bool Is(const oconfig_item_t& item, const char* option) {
  return strcasecmp(item.key, option) == 0;
}

// An option as it stands in the file.
std::string Render(const oconfig_item_t& item) {
  std::string text = item.key;
  for (const oconfig_value_t& value : ValuesOf(item)) {
    switch (value.type) {
      case OCONFIG_TYPE_STRING:
        text += std::string(" \"") + value.value.string + "\"";
        break;
      case OCONFIG_TYPE_NUMBER:
        text += " " + FormatNumber(value.value.number);
        break;
      default:
        text += value.value.boolean != 0 ? " true" : " false";
    }
  }
  return Printable(text);
}

const oconfig_value_t* OnlyValue(const oconfig_item_t& item) {
  return item.values_num == 1 && item.children_num == 0 ? item.values : nullptr;
}

std::optional<std::string> OnlyString(const oconfig_item_t& item) {
  const oconfig_value_t* value = OnlyValue(item);
  if (value == nullptr || value->type != OCONFIG_TYPE_STRING) {
    return std::nullopt;
  }
  return value->value.string;
}

std::optional<double> OnlyNumber(const oconfig_item_t& item) {
  const oconfig_value_t* value = OnlyValue(item);
  if (value == nullptr || value->type != OCONFIG_TYPE_NUMBER) {
    return std::nullopt;
  }
  return value->value.number;
}

Expected SetBoolean(const oconfig_item_t& item, auto& target) {
  std::optional<bool> parsed;
  if (const oconfig_value_t* value = OnlyValue(item)) {
    if (value->type == OCONFIG_TYPE_BOOLEAN) {
      parsed = value->value.boolean != 0;
    } else if (value->type == OCONFIG_TYPE_STRING) {
      parsed = ParseBoolean(value->value.string);
    } else {
      parsed = ParseBoolean(FormatNumber(value->value.number));
    }
  }
  if (!parsed) return kBooleanExpected;
  target = *parsed;
  return kValid;
}

Expected SetInterval(const oconfig_item_t& item,
                     std::optional<double>& target) {
  const auto seconds = OnlyNumber(item);
  if (!seconds || !IsInterval(*seconds)) {
    return std::string(kIntervalExpected) + ", without quotes";
  }
  target = seconds;
  return kValid;
}

Expected SetPercent(const oconfig_item_t& item, auto& target) {
  const auto percent = OnlyNumber(item);
  if (!percent || !(*percent >= 0 && *percent <= 100)) {
    return "a number from 0 to 100, without quotes";
  }
  target = *percent;
  return kValid;
}

template <typename Choice>
using Choices = std::initializer_list<std::pair<const char*, Choice>>;

template <typename Choice>
Expected SetChoice(const oconfig_item_t& item, auto& target,
                   Choices<Choice> choices) {
  const auto text = OnlyString(item);
  std::string known;
  for (const auto& [name, choice] : choices) {
    known += std::string(known.empty() ? "\"" : " or \"") + name + "\"";
    if (!text || strcasecmp(text->c_str(), name) != 0) continue;
    target = choice;
    return kValid;
  }
  return known;
}

Expected SetMemoryType(const oconfig_item_t& item, auto& target) {
  using attribution::MemoryType;
  return SetChoice<MemoryType>(
      item, target, {{"Rss", MemoryType::kRss}, {"Pss", MemoryType::kPss}});
}

Expected SetCount(const oconfig_item_t& item, auto& target, int min, int max) {
  const auto count = OnlyNumber(item);
  if (!count || !(*count >= min && *count <= max) ||
      *count != std::floor(*count)) {
    return "a whole number from " + std::to_string(min) + " to " +
           std::to_string(max) + ", without quotes";
  }
  target = static_cast<size_t>(*count);
  return kValid;
}

Expected SetCompareWindow(const oconfig_item_t& item, auto& target) {
  return SetCount(item, target, 1, 10000);
}

Expected SetPeakMemory(const oconfig_item_t& item, auto& target) {
  using attribution::PeakMemory;
  return SetChoice<PeakMemory>(
      item, target,
      {{"VmPeak", PeakMemory::kVmPeak}, {"VmHWM", PeakMemory::kVmHwm}});
}

std::optional<std::string> AbsolutePath(const oconfig_item_t& item) {
  constexpr size_t kPathMax = 4095;  // PATH_MAX without its NUL
  auto path = OnlyString(item);
  if (path && path->starts_with('/') && path->size() <= kPathMax) return path;
  return std::nullopt;
}

Expected SetPath(const oconfig_item_t& item, std::string& target) {
  auto path = AbsolutePath(item);
  if (!path) return "one absolute path of at most 4095 bytes, in quotes";
  target = *std::move(path);
  return kValid;
}

Expected AddPath(const oconfig_item_t& item, std::vector<std::string>& paths) {
  std::string path;
  if (auto expected = SetPath(item, path)) return expected;
  paths.push_back(std::move(path));
  return kValid;
}

// Whether `text` has from 1 to `max` bytes, is UTF-8 and has no control
// characters.
bool IsPlainText(std::string_view text, size_t max) {
  return text.size() <= max && discovery::IsPlainText(text);
}

Expected AddName(const oconfig_item_t& item, std::vector<std::string>& names) {
  constexpr size_t kFileNameMax = 255;  // NAME_MAX
  auto name = OnlyString(item);
  if (!name || !IsPlainText(*name, kFileNameMax)) {
    return "one command name of 1 to 255 bytes without control characters, "
           "in quotes";
  }
  names.push_back(*std::move(name));
  return kValid;
}

Expected AddUser(const oconfig_item_t& item, std::vector<std::string>& users) {
  constexpr size_t kUserNameMax = 255;  // LOGIN_NAME_MAX without its NUL
  constexpr double kUserIdMax = std::numeric_limits<uid_t>::max() - 1.0;
  auto user = OnlyString(item);
  const auto number = OnlyNumber(item);
  if (number && *number >= 0 && *number <= kUserIdMax &&
      *number == std::floor(*number)) {
    user = FormatNumber(*number);
  }
  if (!user || !IsPlainText(*user, kUserNameMax)) {
    return "one user name in quotes, or a user ID from 0 to 4294967294";
  }
  users.push_back(*std::move(user));
  return kValid;
}

Expected AddCgroup(const oconfig_item_t& item,
                   std::vector<discovery::CgroupPattern>& cgroups) {
  constexpr size_t kPathMax = 4095;  // PATH_MAX without its NUL
  const auto path = OnlyString(item);
  if (path && IsPlainText(*path, kPathMax)) {
    auto components = discovery::SplitCgroupPath(*path);
    if (std::none_of(components.begin(), components.end(),
                     [](const std::string& component) {
                       return component == "." || component == "..";
                     })) {
      cgroups.push_back(std::move(components));
      return kValid;
    }
  }
  return "one path of a cgroup, relative to the root of its hierarchy, in "
         "quotes, such as \"system.slice/nginx.service\"; `*` stands for any "
         "part of one component";
}

Expected AddUnit(const oconfig_item_t& item, std::vector<std::string>& units) {
  constexpr size_t kUnitNameMax = 255;  // UNIT_NAME_MAX of systemd
  auto unit = OnlyString(item);
  if (!unit || !IsPlainText(*unit, kUnitNameMax) ||
      unit->find('/') != std::string::npos ||
      unit->find_first_of(".*") == std::string::npos) {
    return "one name of a systemd unit with its suffix, in quotes, such as "
           "\"nginx.service\" or \"*.service\"";
  }
  units.push_back(*std::move(unit));
  return kValid;
}

Expected AddExpression(const char* expression,
                       discovery::Expressions& expressions) {
  auto compiled = discovery::CompileExpression(expression);
  if (*expression == '\0' || !compiled->ok()) {
    std::string expected = "one RE2 expression that is not empty, in quotes";
    if (!compiled->ok()) expected += "; RE2: " + Printable(compiled->error());
    return expected;
  }
  expressions.push_back(std::move(compiled));
  return kValid;
}

Expected AddExpression(const oconfig_item_t& item,
                       discovery::Expressions& expressions) {
  const auto expression = OnlyString(item);
  return AddExpression(expression ? expression->c_str() : "", expressions);
}

Expected AddPorts(const oconfig_item_t& item, std::vector<uint16_t>& ports) {
  constexpr double kPortMax = std::numeric_limits<uint16_t>::max();
  const auto values = ValuesOf(item);
  const bool valid =
      item.children_num == 0 && !values.empty() &&
      ports.size() + values.size() <= kExportPortsMax &&
      std::all_of(
          values.begin(), values.end(), [](const oconfig_value_t& value) {
            return value.type == OCONFIG_TYPE_NUMBER &&
                   value.value.number >= 1 && value.value.number <= kPortMax &&
                   value.value.number == std::floor(value.value.number);
          });
  if (!valid) {
    return "TCP ports from 1 to 65535, without quotes, such as 4317 4318, at "
           "most " +
           std::to_string(kExportPortsMax) + " in a block";
  }
  for (const oconfig_value_t& value : values) {
    ports.push_back(static_cast<uint16_t>(value.value.number));
  }
  return kValid;
}

constexpr Option<Config> kPluginOptions[] = {
    {"Enabled",
     [](auto& item, auto& config) { return SetBoolean(item, config.enabled); }},
    {"Interval",
     [](auto& item, auto& config) {
       return SetInterval(item, config.interval_seconds);
     }},
    {"ProcPath",
     [](auto& item, auto& config) { return SetPath(item, config.proc_path); }},
    {"CPUPercentOf",
     [](auto& item, auto& config) {
       return SetChoice<CpuPercentOf>(
           item, config.cpu_percent_of,
           {{"Core", CpuPercentOf::kCore}, {"Host", CpuPercentOf::kHost}});
     }},
    {"Discovery",
     [](auto& item, auto& config) {
       return SetChoice<DiscoveryMode>(item, config.discovery,
                                       {{"Auto", DiscoveryMode::kAuto},
                                        {"Events", DiscoveryMode::kEvents},
                                        {"Scan", DiscoveryMode::kScan}});
     }},
    {"MaxOpenFiles",
     [](auto& item, auto& config) {
       return SetCount(item, config.max_open_files, 0, 1048576);
     }},
    {"MemoryType",
     [](auto& item, auto& config) {
       return SetMemoryType(item, config.defaults.memory_type);
     }},
    {"PeakMemory",
     [](auto& item, auto& config) {
       return SetPeakMemory(item, config.defaults.peak_memory);
     }},
    {"TracingMemoryPercent",
     [](auto& item, auto& config) {
       return SetPercent(item, config.defaults.tracing_memory_percent);
     }},
    {"TracingCPUPercent",
     [](auto& item, auto& config) {
       return SetPercent(item, config.defaults.tracing_cpu_percent);
     }},
    {"TracingDetect",
     [](auto& item, auto& config) {
       return SetBoolean(item, config.tracing_detect);
     }},
    {"TracingOverhead",
     [](auto& item, auto& config) {
       return SetChoice<TracingOverhead>(
           item, config.defaults.tracing_overhead,
           {{"Estimate", TracingOverhead::kEstimate},
            {"Threads", TracingOverhead::kThreads}});
     }},
    {"CompareWindow",
     [](auto& item, auto& config) {
       return SetCompareWindow(item, config.compare_window);
     }},
};

constexpr Option<discovery::Selectors> kSelectorOptions[] = {
    {"Self", [](auto& item,
                auto& selectors) { return SetBoolean(item, selectors.self); }},
    {"PIDFile",
     [](auto& item, auto& selectors) {
       return AddPath(item, selectors.pid_files);
     }},
    {"Name", [](auto& item,
                auto& selectors) { return AddName(item, selectors.names); }},
    {"Executable",
     [](auto& item, auto& selectors) {
       return AddPath(item, selectors.executables);
     }},
    {"CommandLine",
     [](auto& item, auto& selectors) {
       return AddExpression(item, selectors.command_lines);
     }},
    {"User", [](auto& item,
                auto& selectors) { return AddUser(item, selectors.users); }},
    {"Cgroup",
     [](auto& item, auto& selectors) {
       return AddCgroup(item, selectors.cgroups);
     }},
    {"SystemdUnit",
     [](auto& item, auto& selectors) {
       return AddUnit(item, selectors.systemd_units);
     }},
    {"IncludeChildren",
     [](auto& item, auto& selectors) {
       return SetBoolean(item, selectors.include_children);
     }},
};

constexpr Option<Service> kBlockOptions[] = {
    {"PerProcess",
     [](auto& item, auto& block) {
       return SetBoolean(item, block.per_process);
     }},
    {"MaxProcesses",
     [](auto& item, auto& block) {
       return SetCount(item, block.max_processes, 1, 65536);
     }},
    {"MaxInstances",
     [](auto& item, auto& block) {
       return SetCount(item, block.max_instances, 1, 65536);
     }},
    {"MemoryType",
     [](auto& item, auto& block) {
       return SetMemoryType(item, block.memory_type);
     }},
    {"PeakMemory",
     [](auto& item, auto& block) {
       return SetPeakMemory(item, block.peak_memory);
     }},
    {"TracingMemoryPercent",
     [](auto& item, auto& block) {
       return SetPercent(item, block.tracing_memory_percent);
     }},
    {"TracingCPUPercent",
     [](auto& item, auto& block) {
       return SetPercent(item, block.tracing_cpu_percent);
     }},
    {"TracingDetect",
     [](auto& item, auto& block) {
       return SetBoolean(item, block.tracing_detect);
     }},
    {"TracingOverhead",
     [](auto& item, auto& block) {
       return SetChoice<TracingOverhead>(
           item, block.tracing_overhead,
           {{"Estimate", TracingOverhead::kEstimate},
            {"Threads", TracingOverhead::kThreads},
            {"Compared", TracingOverhead::kCompared}});
     }},
    {"CompareWindow",
     [](auto& item, auto& block) {
       return SetCompareWindow(item, block.compare_window);
     }},
    {"TracingThread",
     [](auto& item, auto& block) {
       return AddExpression(item, block.tracing_threads);
     }},
    {"TracingProcess",
     [](auto& item, auto& block) {
       return SetBoolean(item, block.tracing_process);
     }},
    {"TracingExportPort",
     [](auto& item, auto& block) {
       return AddPorts(item, block.tracing_export_ports);
     }},
};

constexpr Option<Component> kComponentOptions[] = {
    {"Thread",
     [](auto& item, auto& component) {
       return AddExpression(item, component.threads);
     }},
};

// Sets the option that `item` names, where it is one of these. Returns whether
// it is; what is wrong with it goes to `error`.
template <typename Target>
bool SetIfKnown(std::span<const Option<Target>> options,
                const oconfig_item_t& item, Target& target, Expected& error) {
  const auto option =
      std::find_if(options.begin(), options.end(),
                   [&item](const auto& one) { return Is(item, one.name); });
  if (option == options.end()) return false;
  if (const Expected expected = option->set(item, target)) {
    error = "option " + Render(item) + ": expected " + *expected;
  }
  return true;
}

template <typename Target>
std::string NamesOf(std::span<const Option<Target>> options) {
  std::string names;
  for (const Option<Target>& option : options) {
    names += std::string(names.empty() ? "" : ", ") + option.name;
  }
  return names;
}

std::string Unknown(const oconfig_item_t& item, const std::string& known) {
  return "unknown option " + Render(item) + "; known here: " + known;
}

// Sets the option that `item` names. Returns what is wrong with it.
Expected SetOption(const oconfig_item_t& item, Config& config) {
  const std::span<const Option<Config>> options = kPluginOptions;
  Expected error;
  if (SetIfKnown(options, item, config, error)) return error;
  return Unknown(item, NamesOf(options) +
                           ", Process, ProcessMatch (and selectors in a "
                           "<Process> block)");
}

template <typename Target>
Expected SetOneOf(std::span<const Option<Target>> options,
                  const oconfig_item_t& item, Target& target) {
  Expected error;
  if (SetIfKnown(options, item, target, error)) return error;
  return Unknown(item, NamesOf(options));
}

Expected SetOption(const oconfig_item_t& item, discovery::Selectors& target) {
  return SetOneOf<discovery::Selectors>(kSelectorOptions, item, target);
}

Expected SetOption(const oconfig_item_t& item, Component& component) {
  return SetOneOf<Component>(kComponentOptions, item, component);
}

Expected SetOption(const oconfig_item_t& item, Service& block) {
  const std::span<const Option<discovery::Selectors>> selectors =
      kSelectorOptions;
  const std::span<const Option<Service>> options = kBlockOptions;
  Expected error;
  if (SetIfKnown(selectors, item, block.selectors, error) ||
      SetIfKnown(options, item, block, error)) {
    return error;
  }
  return Unknown(item, NamesOf(selectors) + ", " + NamesOf(options) +
                           ", Untraced, Component");
}

// Sets all options of a block that is nested in another. Appends what is wrong
// with them.
void SetOptions(const oconfig_item_t& item, const std::string& description,
                auto& target, std::vector<std::string>& errors) {
  for (const oconfig_item_t& child : ChildrenOf(item)) {
    if (auto error = SetOption(child, target)) {
      errors.push_back(description + ": " + *std::move(error));
    }
  }
}

bool IsBlockName(std::string_view name) {
  return IsPlainText(name, DATA_MAX_NAME_LEN - 1) &&
         name.find('/') == std::string_view::npos;
}

bool IsNumber(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What is wrong with the placeholders of the block's name.
Expected CheckPlaceholders(const Service& block) {
  const discovery::NameTemplate name(block.name);
  for (const auto& part : name.parts()) {
    if (part.kind != discovery::NameTemplate::Kind::kCapture) continue;
    const auto& expressions = block.selectors.command_lines;
    if (std::none_of(expressions.begin(), expressions.end(),
                     [&part](const auto& expression) {
                       return discovery::HasGroup(*expression, part.text);
                     })) {
      return "unknown placeholder ${" + Printable(part.text) +
             "}: expected ${comm}, ${user}, ${unit}, ${cgroup} or the name of "
             "a group (?P<name>...) of the block's CommandLine";
    }
  }
  return kValid;
}

constexpr const char* kNameExpected =
    "one name of 1 to 127 bytes in quotes, UTF-8, without \"/\" and control "
    "characters";

constexpr const char* kSelectorExpected =
    "a selector: one of Self true, PIDFile, Name, Executable, CommandLine, "
    "User, Cgroup, SystemdUnit";

// A `<Untraced>` block in a `<Process>` block.
void AddUntraced(const oconfig_item_t& item, const std::string& description,
                 Service& block, std::vector<std::string>& errors) {
  const size_t errors_before = errors.size();
  if (block.untraced) {
    errors.push_back(description +
                     " is there twice; expected one, in which "
                     "selectors may be given several times");
  }
  discovery::Selectors& selectors = block.untraced.emplace();
  SetOptions(item, description, selectors, errors);
  const bool well_formed = item.values_num == 0 && item.children_num > 0;
  if (!well_formed || (selectors.empty() && errors.size() == errors_before)) {
    errors.push_back(description + ": expected <Untraced> with " +
                     kSelectorExpected);
  }
}

// A `<Component>` block in a `<Process>` block.
void AddComponent(const oconfig_item_t& item, const std::string& description,
                  Service& block, std::vector<std::string>& errors) {
  const size_t errors_before = errors.size();
  Component component;
  SetOptions(item, description, component, errors);
  const auto values = ValuesOf(item);
  const bool is_named = values.size() == 1 &&
                        values[0].type == OCONFIG_TYPE_STRING &&
                        IsBlockName(values[0].value.string);
  if (!is_named || IsNumber(values[0].value.string)) {
    errors.push_back(description + ": expected " + kNameExpected +
                     ", and not a number, which would look like a PID");
    return;
  }
  component.name = values[0].value.string;
  if (component.threads.empty() && errors.size() == errors_before) {
    errors.push_back(description + ": expected Thread, an RE2 expression");
  }
  const bool is_known = std::any_of(
      block.components.begin(), block.components.end(),
      [&](const Component& one) { return one.name == component.name; });
  if (is_known) {
    errors.push_back(description +
                     " is there twice in its block; expected names that "
                     "differ");
  }
  if (block.components.size() == kComponentsMax) {
    errors.push_back(description + ": expected at most " +
                     std::to_string(kComponentsMax) + " components in a block");
  }
  block.components.push_back(std::move(component));
}

// Sets what `item` names in a `<Process>` block. Appends what is wrong with it.
void SetOptionOrNested(const oconfig_item_t& item,
                       const std::string& description, Service& block,
                       std::vector<std::string>& errors) {
  const std::string nested = description + ": <" + Render(item) + ">";
  if (Is(item, "Untraced")) {
    AddUntraced(item, nested, block, errors);
  } else if (Is(item, "Component")) {
    AddComponent(item, nested, block, errors);
  } else if (auto error = SetOption(item, block)) {
    errors.push_back(description + ": " + *std::move(error));
  }
}

// What is wrong with options that are valid each by itself.
Expected CheckTogether(const Service& block) {
  const bool is_compared = block.tracing_overhead == TracingOverhead::kCompared;
  const bool has_placeholders =
      discovery::NameTemplate(block.name).HasPlaceholders();
  if (is_compared && (block.per_process || has_placeholders)) {
    return "option TracingOverhead \"Compared\": expected a block without "
           "PerProcess and with a name without placeholders, whose processes "
           "can be compared with each other";
  }
  if (is_compared && !block.untraced && block.tracing_detect == false) {
    return "option TracingDetect false: expected true, or <Untraced>, beside "
           "TracingOverhead \"Compared\", which has to tell who is traced";
  }
  if (block.tracing_process &&
      block.tracing_overhead.value_or(TracingOverhead::kEstimate) !=
          TracingOverhead::kEstimate) {
    return "option TracingProcess true: expected no TracingOverhead beside it, "
           "as all is overhead in such a process";
  }
  if (block.per_process &&
      (!block.components.empty() || !block.tracing_export_ports.empty())) {
    return "option PerProcess true: expected no Component and no "
           "TracingExportPort beside it, which are of all processes of the "
           "block";
  }
  return kValid;
}

// The usual text would ask for the name and the expression that were given.
std::string MatchIsNoBlock(const oconfig_item_t& item) {
  const auto argument = [&item](size_t at, const char* if_missing) {
    const auto values = ValuesOf(item);
    const bool is_text =
        at < values.size() && values[at].type == OCONFIG_TYPE_STRING;
    return Quoted(is_text ? values[at].value.string : if_missing);
  };
  return "<" + Render(item) +
         ">: ProcessMatch is one line, without < > and without options; "
         "expected such a line, or <Process " +
         argument(0, "NAME") + "> with CommandLine " +
         argument(1, "EXPRESSION") + " and the options in it";
}

}  // namespace

std::vector<std::string> ConfigParser::Add(const oconfig_item_t& plugin_block) {
  std::vector<std::string> errors;
  for (const oconfig_item_t& item : ChildrenOf(plugin_block)) {
    if (Is(item, "Process") || Is(item, "ProcessMatch")) {
      AddProcess(item, errors);
    } else if (auto error = SetOption(item, config_)) {
      errors.push_back(*std::move(error));
    }
  }
  return errors;
}

Config ConfigParser::Take() {
  description_by_name_.clear();
  return std::exchange(config_, {});
}

// A `<Process>` block or one of the short forms. An empty block cannot be told
// from `Process "name"`: collectd's parser gives the same tree for both.
void ConfigParser::AddProcess(const oconfig_item_t& item,
                              std::vector<std::string>& errors) {
  const bool is_match = Is(item, "ProcessMatch");
  const auto values = ValuesOf(item);
  const size_t wanted = is_match ? 2 : 1;
  bool well_formed =
      values.size() == wanted && !(is_match && item.children_num > 0);
  for (const oconfig_value_t& value : values) {
    well_formed = well_formed && value.type == OCONFIG_TYPE_STRING;
  }
  const bool named = well_formed && IsBlockName(values[0].value.string);
  std::string description = Render(item);
  if (is_match && item.children_num > 0) {
    errors.push_back(MatchIsNoBlock(item));
  } else if (!named) {
    errors.push_back("option " + description + ": expected " + kNameExpected +
                     (is_match ? ", and an RE2 expression in quotes" : ""));
  }

  // What is wrong further in is said as well.
  Service block;
  if (named) block.name = values[0].value.string;
  const size_t errors_before = errors.size();
  if (named && is_match) {
    const auto expected =
        AddExpression(values[1].value.string, block.selectors.command_lines);
    if (expected) {
      errors.push_back("option " + description + ": expected " + *expected);
    }
  } else if (named && item.children_num == 0) {
    block.selectors.names = {values[0].value.string};
    if (discovery::NameTemplate(values[0].value.string).HasPlaceholders()) {
      errors.push_back("option " + description +
                       ": expected a block with selectors, as the name holds "
                       "placeholders");
    }
  } else if (item.children_num > 0) {
    description = "<" + description + ">";
    for (const oconfig_item_t& child : ChildrenOf(item)) {
      SetOptionOrNested(child, description, block, errors);
    }
    if (!is_match && block.selectors.empty() &&
        errors.size() == errors_before) {
      errors.push_back(description + ": expected " + kSelectorExpected);
    }
    if (const auto wrong = CheckTogether(block)) {
      errors.push_back(description + ": " + *wrong);
    }
    description += " " + Render(ChildrenOf(item)[0]);
  }
  if (!named) return;
  if (const auto wrong = CheckPlaceholders(block)) {
    errors.push_back(description + ": " + *wrong);
  }
  AddBlock(std::move(block), description, errors);
}

void ConfigParser::AddBlock(Service block, const std::string& description,
                            std::vector<std::string>& errors) {
  const auto [first, is_new] =
      description_by_name_.try_emplace(block.name, description);
  if (is_new) {
    config_.services.push_back(std::move(block));
    return;
  }
  errors.push_back("block \"" + Printable(block.name) +
                   "\" is there twice: first as `" + first->second +
                   "`, again as `" + description +
                   "`; expected names that differ");
}

}  // namespace resource_attribution
