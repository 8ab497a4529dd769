#include "config/option_list.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "config/option_table.h"
#include "procfs/printable.h"

namespace resource_attribution::options {
namespace {

using procfs::Quoted;

constexpr std::pair<Scope, const char*> kScopeNames[] = {
    {kPlugin, "Plugin"},
    {kProcess, "Process"},
    {kUntraced, "Untraced"},
    {kComponent, "Component"},
    {kSampling, "Sampling"}};

std::string Join(const std::vector<std::string>& texts,
                 std::string_view separator) {
  std::string joined;
  for (const std::string& text : texts) {
    if (!joined.empty()) joined += separator;
    joined += text;
  }
  return joined;
}

std::vector<std::string> NamesOf(Scopes scopes) {
  std::vector<std::string> names;
  for (const auto& [scope, name] : kScopeNames) {
    if ((scopes & scope) != 0) names.emplace_back(name);
  }
  return names;
}

// The values that an option may have, in a few words.
std::string DescribeValue(const Option& option) {
  std::vector<std::string> words;
  for (const auto& [word, scopes] : option.words) {
    words.push_back('"' + std::string(word) + '"' +
                    (scopes == option.scopes
                         ? ""
                         : " (in " + Join(NamesOf(scopes), ", ") + ')'));
  }
  std::string text = words.empty() ? option.kind : Join(words, ", ");
  if (option.range) {
    text += ' ' + FormatNumber(option.range->first) + " to " +
            FormatNumber(option.range->second);
  }
  return text + (option.is_repeatable ? ", repeatable" : "");
}

// The words of a choice that may stand in each block.
std::string JsonWords(const Option& option) {
  std::vector<std::string> members;
  for (const auto& [scope, name] : kScopeNames) {
    std::vector<std::string> words;
    for (const auto& [word, scopes] : option.words) {
      if ((scopes & scope) != 0) words.push_back(Quoted(word));
    }
    if (words.empty()) continue;
    members.push_back(Quoted(name) + ": [" + Join(words, ", ") + ']');
  }
  return '{' + Join(members, ", ") + '}';
}

// A default as in the file is valid JSON; a default in words is quoted.
std::string JsonDefault(const std::string& text) {
  if (text.empty()) return "null";
  const bool is_value =
      text == "true" || text == "false" ||
      std::string_view("\"0123456789").find(text[0]) != std::string_view::npos;
  return is_value ? text : Quoted(text);
}

std::string JsonObject(const Option& option) {
  std::string text = "{\"name\": " + Quoted(option.name) + ", \"in\": [\"" +
                     Join(NamesOf(option.scopes), "\", \"") +
                     "\"], \"kind\": " + Quoted(option.kind);
  if (option.range) {
    text += ", \"min\": " + FormatNumber(option.range->first) +
            ", \"max\": " + FormatNumber(option.range->second);
  }
  if (!option.words.empty()) text += ", \"words\": " + JsonWords(option);
  return text + ", \"default\": " + JsonDefault(option.default_text) +
         ", \"repeatable\": " + (option.is_repeatable ? "true" : "false") +
         ", \"help\": " + Quoted(option.help) + '}';
}

}  // namespace

std::string ListForPeople() {
  using Columns = std::array<std::string, 5>;
  std::vector<Columns> rows = {{"OPTION", "IN", "VALUE", "DEFAULT", "MEANING"}};
  for (const Option& option : Table()) {
    rows.push_back(
        {option.name, Join(NamesOf(option.scopes), ", "), DescribeValue(option),
         option.default_text.empty() ? "-" : option.default_text, option.help});
  }
  constexpr size_t kLast = 4;
  std::array<size_t, kLast> widths{};
  for (const Columns& row : rows) {
    for (size_t i = 0; i < kLast; ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Columns& row : rows) {
    for (size_t i = 0; i < kLast; ++i) {
      text += row[i] + std::string(widths[i] + 2 - row[i].size(), ' ');
    }
    text += row[kLast] + '\n';
  }
  return text;
}

std::string ListAsJson() {
  std::vector<std::string> objects;
  for (const Option& option : Table()) objects.push_back(JsonObject(option));
  return "[\n" + Join(objects, ",\n") + "\n]\n";
}

}  // namespace resource_attribution::options
