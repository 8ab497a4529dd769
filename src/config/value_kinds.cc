#include "config/value_kinds.h"

#include <strings.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "procfs/printable.h"

namespace resource_attribution::options {
namespace {

constexpr size_t kPathMax = 4095;  // PATH_MAX without its NUL
// NAME_MAX, LOGIN_NAME_MAX without its NUL, and systemd's UNIT_NAME_MAX.
constexpr size_t kNameMax = 255;

// The only value of `item`, if `of` finds it there; else null.
template <typename T>
const T* Only(const Item& item, std::optional<T> Value::*of) {
  if (item.values.size() != 1 || !item.children.empty()) return nullptr;
  const std::optional<T>& value = item.values[0].*of;
  return value ? &*value : nullptr;
}

bool IsWhole(double number, double min, double max) {
  return number >= min && number <= max && number == std::floor(number);
}

std::string FromTo(double min, double max) {
  return " from " + FormatNumber(min) + " to " + FormatNumber(max);
}

}  // namespace

const std::string* OnlyText(const Item& item) {
  return Only(item, &Value::text);
}

bool IsPlainText(std::string_view text, size_t max) {
  return text.size() <= max && discovery::IsPlainText(text);
}

std::optional<bool> Boolean::Parse(const std::string& text) {
  const auto is_any_of = [&text](const auto& words) {
    return std::ranges::any_of(words, [&text](const char* word) {
      return strcasecmp(text.c_str(), word) == 0;
    });
  };
  if (is_any_of(std::array{"true", "yes", "on", "1"})) return true;
  if (is_any_of(std::array{"false", "no", "off", "0"})) return false;
  return std::nullopt;
}

Parsed<bool> Boolean::Read(const Item& item) const {
  if (const bool* value = Only(item, &Value::boolean)) return *value;
  std::optional<bool> parsed;
  if (const std::string* text = OnlyText(item)) parsed = Parse(*text);
  if (const double* number = Only(item, &Value::number)) {
    parsed = Parse(FormatNumber(*number));
  }
  if (!parsed) return tl::unexpected(kExpected);
  return *parsed;
}

bool Number::Has(double number) const {
  return number >= min && number <= max;  // false for NaN
}

std::string Number::Expected() const { return noun + FromTo(min, max) + note; }

Parsed<double> Number::Read(const Item& item) const {
  const double* number = Only(item, &Value::number);
  if (number == nullptr || !Has(*number)) {
    return tl::unexpected(Expected() + ", without quotes");
  }
  return *number;
}

Parsed<size_t> WholeNumber::Read(const Item& item) const {
  const double* number = Only(item, &Value::number);
  if (number == nullptr || !IsWhole(*number, min, max)) {
    return tl::unexpected("a whole number" + FromTo(min, max) +
                          ", without quotes");
  }
  return static_cast<size_t>(*number);
}

Parsed<SamplingRatios> Ratios::Read(const Item& item) const {
  const auto at = [&item](size_t i) {
    return i < item.values.size() ? item.values[i].number.value_or(0) : 0;
  };
  const SamplingRatios ratios{.least = at(0), .greatest = at(1)};
  if (item.values.size() != 2 || !item.children.empty() ||
      !(min <= ratios.least && ratios.least <= ratios.greatest &&
        ratios.greatest <= max)) {
    return tl::unexpected("the least and the greatest ratio" +
                          FromTo(min, max) +
                          ", without quotes, such as 0.001 0.1");
  }
  return ratios;
}

Parsed<std::vector<uint16_t>> Ports::Read(const Item& item,
                                          size_t before) const {
  std::vector<uint16_t> ports;
  for (const Value& value : item.values) {
    const std::optional<double>& number = value.number;
    if (!number || !IsWhole(*number, min, max)) break;
    ports.push_back(static_cast<uint16_t>(*number));
  }
  if (ports.empty() || ports.size() < item.values.size() ||
      before + ports.size() > kMost || !item.children.empty()) {
    return tl::unexpected("TCP ports" + FromTo(min, max) +
                          ", without quotes, such as 4317 4318, at most " +
                          std::to_string(kMost) + " in a block");
  }
  return ports;
}

Parsed<std::string> Text::Read(const Item& item) const {
  const std::string* text = OnlyText(item);
  if (text == nullptr || !is_valid(*text)) return tl::unexpected(expected);
  return *text;
}

const Text kPath = {"path",
                    [](const std::string& path) {
                      return path.starts_with('/') && path.size() <= kPathMax;
                    },
                    "one absolute path of at most 4095 bytes, in quotes"};

const Text kCommandName = {
    "command name",
    [](const std::string& name) { return IsPlainText(name, kNameMax); },
    "one command name of 1 to 255 bytes without control characters, in "
    "quotes"};

const Text kUnit = {
    "unit",
    [](const std::string& unit) {
      return IsPlainText(unit, kNameMax) &&
             unit.find('/') == std::string::npos &&
             unit.find_first_of(".*") != std::string::npos;
    },
    "one name of a systemd unit with its suffix, in quotes, such as "
    "\"nginx.service\" or \"*.service\""};

const Text kServiceName = {
    "service name",
    [](const std::string& name) {
      constexpr size_t kServiceNameMax = 127;
      return IsPlainText(name, kServiceNameMax) && !name.starts_with('.') &&
             name.find('/') == std::string::npos;
    },
    "one service.name of 1 to 127 bytes in quotes, UTF-8, without \"/\" and "
    "control characters and without a \".\" at its beginning"};

Parsed<std::string> User::Read(const Item& item) const {
  constexpr double kUserIdMax = std::numeric_limits<uid_t>::max() - 1.0;
  const double* number = Only(item, &Value::number);
  if (number != nullptr && IsWhole(*number, 0, kUserIdMax)) {
    return FormatNumber(*number);
  }
  const std::string* user = OnlyText(item);
  if (user != nullptr && IsPlainText(*user, kNameMax)) return *user;
  return tl::unexpected<std::string>(
      "one user name in quotes, or a user ID from 0 to 4294967294");
}

Parsed<discovery::CgroupPattern> Cgroup::Read(const Item& item) const {
  const std::string* path = OnlyText(item);
  if (path != nullptr && IsPlainText(*path, kPathMax)) {
    auto components = discovery::SplitCgroupPath(*path);
    if (std::ranges::none_of(components, [](const std::string& component) {
          return component == "." || component == "..";
        })) {
      return components;
    }
  }
  return tl::unexpected<std::string>(
      "one path of a cgroup, relative to the root of its hierarchy, in "
      "quotes, such as \"system.slice/nginx.service\"; `*` stands for any "
      "part of one component");
}

Parsed<std::unique_ptr<const RE2>> Expression::Read(const Item& item) const {
  const std::string* text = OnlyText(item);
  return Compile(text == nullptr ? "" : *text);
}

Parsed<std::unique_ptr<const RE2>> Expression::Compile(
    const std::string& text) {
  auto compiled = discovery::CompileExpression(text);
  if (!text.empty() && compiled->ok()) return compiled;
  std::string expected = "one RE2 expression that is not empty, in quotes";
  if (!compiled->ok()) {
    expected += "; RE2: " + procfs::Printable(compiled->error());
  }
  return tl::unexpected(std::move(expected));
}

}  // namespace resource_attribution::options
