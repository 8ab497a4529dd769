#ifndef RESOURCE_ATTRIBUTION_CONFIG_VALUE_KINDS_H_
#define RESOURCE_ATTRIBUTION_CONFIG_VALUE_KINDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/config.h"
#include "config/item.h"
#include "discovery/cgroups.h"
#include "discovery/expression.h"

namespace resource_attribution::options {

/// A valid value, or a text for people that says what would be valid.
template <typename T>
using Parsed = tl::expected<T, std::string>;

// The kinds of values. Each reads the value of an item; lists of options show
// its name.

struct Boolean {
  const char* name = "boolean";
  static constexpr const char* kExpected =
      "true or false (or yes/no, on/off, 1/0)";

  Parsed<bool> Read(const Item& item) const;

  /// A boolean in any of its spellings and in any case.
  static std::optional<bool> Parse(const std::string& text);
};

struct Number {
  double min;
  double max;
  const char* noun = "a number";
  const char* note = "";
  const char* name = "number";

  bool Has(double number) const;
  std::string Expected() const;
  Parsed<double> Read(const Item& item) const;
};

/// The environment may set it as well.
inline constexpr Number kInterval{0.1, 31536000, "a number of seconds",
                                  " (a year)"};

struct WholeNumber {
  double min;
  double max;
  const char* name = "whole number";

  Parsed<size_t> Read(const Item& item) const;
};

/// One or more TCP ports in a line, at most `kMost` in a block.
struct Ports {
  static constexpr size_t kMost = 64;
  double min = 1;
  double max = 65535;
  const char* name = "ports";

  /// `before` is the number of ports in the lines before this one.
  Parsed<std::vector<uint16_t>> Read(const Item& item, size_t before) const;
};

/// Two ratios of sampling; the first is the least.
struct Ratios {
  double min = 1e-6;
  double max = 1;
  const char* name = "two ratios";

  Parsed<SamplingRatios> Read(const Item& item) const;
};

struct Text {
  const char* name;
  bool (*is_valid)(const std::string& text);
  const char* expected;

  Parsed<std::string> Read(const Item& item) const;
};

extern const Text kPath;  ///< absolute
extern const Text kCommandName;
extern const Text kUnit;
extern const Text kServiceName;  ///< part of the name of a file

struct User {
  const char* name = "user";
  Parsed<std::string> Read(const Item& item) const;
};

struct Cgroup {
  const char* name = "cgroup";
  Parsed<discovery::CgroupPattern> Read(const Item& item) const;
};

struct Expression {
  const char* name = "expression";
  Parsed<std::unique_ptr<const RE2>> Read(const Item& item) const;
  static Parsed<std::unique_ptr<const RE2>> Compile(const std::string& text);
};

/// The only value of `item` if it is text; else null.
const std::string* OnlyText(const Item& item);

/// Whether `text` has from 1 to `max` bytes, is UTF-8 and has no control
/// characters.
bool IsPlainText(std::string_view text, size_t max);

}  // namespace resource_attribution::options

#endif  // RESOURCE_ATTRIBUTION_CONFIG_VALUE_KINDS_H_
