#include "config/config_parser.h"

#include <algorithm>
#include <utility>

#include "config/option_table.h"
#include "config/value_kinds.h"
#include "discovery/expression.h"
#include "discovery/name_template.h"
#include "procfs/printable.h"

namespace resource_attribution {
namespace {

using options::Expected;
using options::Expression;
using options::Item;
using procfs::Printable;
using procfs::Quoted;
using Errors = std::vector<std::string>;

// A process has 64 groups of threads; one is the threads that trace.
constexpr size_t kComponentsMax = 63;

constexpr std::nullopt_t kValid = std::nullopt;

constexpr const char* kNameExpected =
    "one name of 1 to 127 bytes in quotes, UTF-8, without \"/\" and control "
    "characters";

std::string SelectorExpected() {
  return "a selector: one of " + options::SelectorNames();
}

bool IsMatch(const Item& item) { return item.Is("ProcessMatch"); }

std::string TextAt(const Item& item, size_t at) {
  return at < item.values.size() ? item.values[at].text.value_or("") : "";
}

// The first of the `wanted` values, which is the name of a block; empty if the
// name is invalid.
std::string NameOf(const Item& item, size_t wanted) {
  std::string name = TextAt(item, 0);
  const bool is_valid = item.values.size() == wanted &&
                        std::ranges::all_of(item.values,
                                            [](const options::Value& value) {
                                              return value.text.has_value();
                                            }) &&
                        options::IsPlainText(name, discovery::kSeriesNameMax) &&
                        name.find('/') == std::string::npos;
  return is_valid ? name : "";
}

// How errors name a block.
std::string Heading(const Item& block) { return '<' + block.Text() + '>'; }

// How errors name a service, as it stands in the file.
std::string Describe(const Item& item) {
  return item.children.empty() ? item.Text()
                               : Heading(item) + ' ' + item.children[0].Text();
}

// Sets the options in a block that is nested in another. Appends the errors.
void SetAll(const Item& block, options::Scope where,
            const options::Target& target, const std::string& heading,
            Errors& errors) {
  for (const Item& child : block.children) {
    if (auto error = options::Set(child, where, target)) {
      errors.push_back(heading + ": " + *std::move(error));
    }
  }
}

// An `<Untraced>` block in a `<Process>` block.
void ReadUntraced(const Item& item, const std::string& heading,
                  Service& service, Errors& errors) {
  const size_t errors_before = errors.size();
  if (service.untraced) {
    errors.push_back(heading +
                     " is there twice; expected one, in which "
                     "selectors may be given several times");
  }
  discovery::Selectors& selectors = service.untraced.emplace();
  SetAll(item, options::kUntraced, {.selectors = &selectors}, heading, errors);
  const bool well_formed = item.values.empty() && !item.children.empty();
  if (!well_formed || (selectors.empty() && errors.size() == errors_before)) {
    errors.push_back(heading + ": expected <Untraced> with " +
                     SelectorExpected());
  }
}

// A `<Component>` block in a `<Process>` block.
void ReadComponent(const Item& item, const std::string& heading,
                   Service& service, Errors& errors) {
  const size_t errors_before = errors.size();
  Component component{.name = NameOf(item, 1), .threads = {}};
  SetAll(item, options::kComponent, {.component = &component}, heading, errors);
  if (component.name.empty()) {
    errors.push_back(heading + ": expected " + kNameExpected);
    return;
  }
  if (component.threads.empty() && errors.size() == errors_before) {
    errors.push_back(heading + ": expected Thread, an RE2 expression");
  }
  const bool is_known = std::ranges::any_of(
      service.components,
      [&](const Component& one) { return one.name == component.name; });
  if (is_known) {
    errors.push_back(heading +
                     " is there twice in its block; expected names that "
                     "differ");
  }
  if (service.components.size() == kComponentsMax) {
    errors.push_back(heading + ": expected at most " +
                     std::to_string(kComponentsMax) + " components in a block");
  }
  service.components.push_back(std::move(component));
}

// A `<Sampling>` block in a `<Process>` block.
void ReadSampling(const Item& item, const std::string& heading,
                  Service& service, Errors& errors) {
  const size_t errors_before = errors.size();
  if (service.sampling) {
    errors.push_back(heading + " is there twice; expected one");
  }
  Sampling& sampling = service.sampling.emplace();
  SetAll(item, options::kSampling, {.sampling = &sampling}, heading, errors);
  if (sampling.service.empty()) sampling.service = service.name;
  const bool is_complete = sampling.max_cpu_share > 0 &&
                           sampling.ratios.greatest > 0 && item.values.empty();
  if (!is_complete && errors.size() == errors_before) {
    errors.push_back(heading +
                     ": expected <Sampling> with MaxCPUShare and Ratio, such "
                     "as MaxCPUShare 3 and Ratio 0.001 0.1");
  }
}

// The error in the placeholders of the service's name, if there is one.
Expected CheckPlaceholders(const Service& service) {
  const discovery::NameTemplate name(service.name);
  for (const auto& part : name.parts()) {
    if (part.kind != discovery::NameTemplate::Kind::kCapture) continue;
    const auto& expressions = service.selectors.command_lines;
    if (std::ranges::none_of(expressions, [&part](const auto& expression) {
          return discovery::HasGroup(*expression, part.text);
        })) {
      return "unknown placeholder ${" + Printable(part.text) +
             "}: expected ${comm}, ${user}, ${unit}, ${cgroup} or the name of "
             "a group (?P<name>...) of the block's CommandLine";
    }
  }
  return kValid;
}

// The error in a combination of options that are valid by themselves. `service`
// has inherited nothing yet.
Expected CheckTogether(const Item& block, const Service& service) {
  const auto is_given = [&block](const char* option) {
    return std::ranges::any_of(block.children, [option](const Item& child) {
      return child.Is(option);
    });
  };
  const bool is_compared =
      service.tracing_overhead == TracingOverhead::kCompared;
  const bool has_placeholders =
      discovery::NameTemplate(service.name).HasPlaceholders();
  if (is_compared && (service.per_process || has_placeholders)) {
    return "option TracingOverhead \"Compared\": expected a block without "
           "PerProcess and with a name without placeholders, whose processes "
           "can be compared with each other";
  }
  if (is_compared && !service.untraced && is_given("TracingDetect") &&
      !service.tracing_detect) {
    return "option TracingDetect false: expected true, or <Untraced>, beside "
           "TracingOverhead \"Compared\", which must know which processes are "
           "traced";
  }
  if (service.tracing_process &&
      service.tracing_overhead != TracingOverhead::kEstimate) {
    return "option TracingProcess true: expected no TracingOverhead beside it, "
           "because all that such a process uses is overhead";
  }
  if (service.per_process &&
      (!service.components.empty() || !service.tracing_export_ports.empty())) {
    return "option PerProcess true: expected no Component and no "
           "TracingExportPort beside it, which cover all processes of the "
           "block";
  }
  if (service.sampling &&
      (service.tracing_overhead == TracingOverhead::kEstimate ||
       service.per_process || has_placeholders)) {
    return "<Sampling>: expected TracingOverhead \"Compared\" or \"Threads\" "
           "in "
           "the block, no PerProcess, and a name without placeholders: only "
           "the measured cost of one service can be controlled";
  }
  return kValid;
}

// The usual text would ask for the name and the expression, which are there.
std::string MatchIsNoBlock(const Item& item) {
  const auto argument = [&item](size_t at, const char* if_missing) {
    const bool is_text = at < item.values.size() && item.values[at].text;
    return Quoted(is_text ? TextAt(item, at) : if_missing);
  };
  return Heading(item) +
         ": ProcessMatch is one line, without < > and without options; "
         "expected such a line, or <Process " +
         argument(0, "NAME") + "> with CommandLine " +
         argument(1, "EXPRESSION") + " and the options in it";
}

// `Process "name"` or `ProcessMatch "name" "expression"`. An empty block looks
// like `Process "name"`: collectd's parser gives the same tree for both.
void ReadShortForm(const Item& item, Service& service, Errors& errors) {
  Expected expected;
  if (IsMatch(item)) {
    auto expression = Expression::Compile(TextAt(item, 1));
    if (expression) {
      service.selectors.command_lines.push_back(*std::move(expression));
    } else {
      expected = expression.error();
    }
  } else {
    service.selectors.names = {service.name};
    if (discovery::NameTemplate(service.name).HasPlaceholders()) {
      expected = "a block with selectors, because the name holds placeholders";
    }
  }
  if (!expected) return;
  errors.push_back("option " + item.Text() + ": expected " + *expected);
}

void ReadBlock(const Item& item, Service& service, Errors& errors) {
  const std::string heading = Heading(item);
  const size_t errors_before = errors.size();
  for (const Item& child : item.children) {
    const std::string nested = heading + ": " + Heading(child);
    if (child.Is("Untraced")) {
      ReadUntraced(child, nested, service, errors);
    } else if (child.Is("Component")) {
      ReadComponent(child, nested, service, errors);
    } else if (child.Is("Sampling")) {
      ReadSampling(child, nested, service, errors);
    } else if (auto error = options::Set(
                   child, options::kProcess,
                   {.service = &service, .selectors = &service.selectors})) {
      errors.push_back(heading + ": " + *std::move(error));
    }
  }
  if (!IsMatch(item) && service.selectors.empty() &&
      errors.size() == errors_before) {
    errors.push_back(heading + ": expected " + SelectorExpected());
  }
  if (const auto wrong = CheckTogether(item, service)) {
    errors.push_back(heading + ": " + *wrong);
  }
}

// Reads a `<Process>` block or one of the short forms, and appends the errors.
// If the name is invalid, it stays empty; the options of the block are read all
// the same.
void ReadService(const Item& item, Service& service, Errors& errors) {
  const bool is_match = IsMatch(item);
  const bool is_block = !item.children.empty();
  if (is_match && is_block) {
    errors.push_back(MatchIsNoBlock(item));
  } else {
    service.name = NameOf(item, is_match ? 2 : 1);
    if (service.name.empty()) {
      errors.push_back("option " + item.Text() + ": expected " + kNameExpected +
                       (is_match ? ", and an RE2 expression in quotes" : ""));
    }
  }
  if (is_block) {
    ReadBlock(item, service, errors);
  } else if (!service.name.empty()) {
    ReadShortForm(item, service, errors);
  }
  if (service.name.empty()) return;
  if (const auto wrong = CheckPlaceholders(service)) {
    errors.push_back(Describe(item) + ": " + *wrong);
  }
}

}  // namespace

std::vector<std::string> ConfigParser::Add(const Item& plugin_block) {
  Errors errors;
  Config config;
  Service service;
  for (const Item& item : plugin_block.children) {
    if (item.Is("Process") || IsMatch(item)) {
      AddService(item, errors);
    } else if (auto error =
                   options::Set(item, options::kPlugin,
                                {.config = &config, .service = &service})) {
      errors.push_back(*std::move(error));
    } else {
      plugin_options_.push_back(item);
    }
  }
  return errors;
}

void ConfigParser::AddService(const Item& item, Errors& errors) {
  Service service;
  ReadService(item, service, errors);
  if (service.name.empty()) return;
  if (service.sampling) AddSampled(service, errors);
  const std::string description = Describe(item);
  const auto [first, is_new] =
      description_by_name_.try_emplace(service.name, description);
  if (is_new) {
    services_.push_back(item);
    return;
  }
  errors.push_back("block \"" + Printable(service.name) +
                   "\" is there twice: first as `" + first->second +
                   "`, again as `" + description +
                   "`; expected names that differ");
}

// Two blocks would write different ratios for one service.
void ConfigParser::AddSampled(const Service& service, Errors& errors) {
  const std::string& name = service.sampling->service;
  const auto [first, is_new] =
      block_by_sampled_service_.try_emplace(name, service.name);
  if (is_new) return;
  errors.push_back("blocks \"" + Printable(first->second) + "\" and \"" +
                   Printable(service.name) +
                   "\": <Sampling> of both has the Service \"" +
                   Printable(name) + "\"; expected services that differ");
}

Config ConfigParser::Take() {
  const ConfigParser added = std::exchange(*this, {});
  Config config;
  const auto begin_service = [&]() -> Service& {
    Service& service = config.services.emplace_back();
    for (const Item& item : added.plugin_options_) {
      options::Set(item, options::kPlugin,
                   {.config = &config, .service = &service});
    }
    return service;
  };
  Errors reported_before;
  for (const Item& item : added.services_) {
    ReadService(item, begin_service(), reported_before);
  }
  if (added.services_.empty()) {
    Service& daemon = begin_service();
    daemon.name = "collectd";
    daemon.selectors.self = true;
  }
  return config;
}

}  // namespace resource_attribution
