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

#include "discovery/name_template.h"
#include "option_values.h"

namespace resource_attribution {
namespace {

// What would be valid, when a value is not.
using Expected = std::optional<std::string>;
constexpr std::nullopt_t kValid = std::nullopt;

// Sets an option in a Config or a Block.
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

Expected SetBoolean(const oconfig_item_t& item, bool& target) {
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
// characters: RE2 matches no character class with anything but UTF-8.
bool IsPlainText(std::string_view text, size_t max) {
  static const RE2 kPlainText(R"([^\p{Cc}\p{Cs}]+)");
  return text.size() <= max && RE2::FullMatch(text, kPlainText);
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

Expected AddExpression(const char* expression, discovery::Selectors& target) {
  auto compiled = discovery::CompileExpression(expression);
  if (*expression == '\0' || !compiled->ok()) {
    std::string expected = "one RE2 expression that is not empty, in quotes";
    if (!compiled->ok()) expected += "; RE2: " + Printable(compiled->error());
    return expected;
  }
  target.command_lines.push_back(std::move(compiled));
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
};

constexpr Option<Block> kBlockOptions[] = {
    {"Self",
     [](auto& item, auto& block) {
       return SetBoolean(item, block.selectors.self);
     }},
    {"PIDFile",
     [](auto& item, auto& block) {
       return AddPath(item, block.selectors.pid_files);
     }},
    {"Name", [](auto& item,
                auto& block) { return AddName(item, block.selectors.names); }},
    {"Executable",
     [](auto& item, auto& block) {
       return AddPath(item, block.selectors.executables);
     }},
    {"CommandLine",
     [](auto& item, auto& block) {
       const auto expression = OnlyString(item);
       return AddExpression(expression ? expression->c_str() : "",
                            block.selectors);
     }},
    {"User", [](auto& item,
                auto& block) { return AddUser(item, block.selectors.users); }},
    {"Cgroup",
     [](auto& item, auto& block) {
       return AddCgroup(item, block.selectors.cgroups);
     }},
    {"SystemdUnit",
     [](auto& item, auto& block) {
       return AddUnit(item, block.selectors.systemd_units);
     }},
    {"IncludeChildren",
     [](auto& item, auto& block) {
       return SetBoolean(item, block.selectors.include_children);
     }},
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
};

// Sets the option that `item` names. Returns what is wrong with it.
template <typename Target>
Expected SetOption(std::span<const Option<Target>> options,
                   const char* more_options, const oconfig_item_t& item,
                   Target& target) {
  std::string known;
  for (const Option<Target>& option : options) {
    if (!Is(item, option.name)) {
      known += std::string(known.empty() ? "" : ", ") + option.name;
      continue;
    }
    const Expected expected = option.set(item, target);
    if (!expected) return kValid;
    return "option " + Render(item) + ": expected " + *expected;
  }
  return "unknown option " + Render(item) + "; known here: " + known +
         more_options;
}

bool IsBlockName(std::string_view name) {
  return IsPlainText(name, DATA_MAX_NAME_LEN - 1) &&
         name.find('/') == std::string_view::npos;
}

// What is wrong with the placeholders of the block's name.
Expected CheckPlaceholders(const Block& block) {
  const discovery::NameTemplate name(block.name);
  for (const auto& part : name.parts()) {
    if (part.kind != discovery::NameTemplate::Kind::kCapture) continue;
    const auto& expressions = block.selectors.command_lines;
    if (std::none_of(expressions.begin(), expressions.end(),
                     [&part](const auto& expression) {
                       return expression->NamedCapturingGroups().contains(
                           part.text);
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

}  // namespace

std::vector<std::string> ConfigParser::Add(const oconfig_item_t& plugin_block) {
  std::vector<std::string> errors;
  for (const oconfig_item_t& item : ChildrenOf(plugin_block)) {
    if (Is(item, "Process") || Is(item, "ProcessMatch")) {
      AddProcess(item, errors);
    } else if (auto error = SetOption<Config>(kPluginOptions,
                                              ", Process, ProcessMatch (and "
                                              "selectors in a <Process> block)",
                                              item, config_)) {
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
  if (!named) {
    errors.push_back("option " + description + ": expected " + kNameExpected +
                     (is_match ? ", and an RE2 expression in quotes" : ""));
  }

  // What is wrong further in is said as well.
  Block block;
  const size_t errors_before = errors.size();
  if (named && is_match) {
    const auto expected =
        AddExpression(values[1].value.string, block.selectors);
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
      if (auto error = SetOption<Block>(kBlockOptions, "", child, block)) {
        errors.push_back(description + ": " + *error);
      }
    }
    if (block.selectors.empty() && errors.size() == errors_before) {
      errors.push_back(
          description +
          ": expected a selector: one of Self true, PIDFile, "
          "Name, Executable, CommandLine, User, Cgroup, SystemdUnit");
    }
    description += " " + Render(ChildrenOf(item)[0]);
  }
  if (!named) return;
  block.name = values[0].value.string;
  if (const auto wrong = CheckPlaceholders(block)) {
    errors.push_back(description + ": " + *wrong);
  }
  AddBlock(std::move(block), description, errors);
}

void ConfigParser::AddBlock(Block block, const std::string& description,
                            std::vector<std::string>& errors) {
  const auto [first, is_new] =
      description_by_name_.try_emplace(block.name, description);
  if (is_new) {
    config_.blocks.push_back(std::move(block));
    return;
  }
  errors.push_back("block \"" + Printable(block.name) +
                   "\" is there twice: first as `" + first->second +
                   "`, again as `" + description +
                   "`; expected names that differ");
}

}  // namespace resource_attribution
