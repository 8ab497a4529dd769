#ifndef RESOURCE_ATTRIBUTION_CONFIG_ITEM_H_
#define RESOURCE_ATTRIBUTION_CONFIG_ITEM_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resource_attribution::options {

/// A value in the configuration. One of the three is set: text stands in
/// quotes.
///
/// No std::variant: libstdc++ takes one with text to be always valid, which it
/// is not while a copy of it runs out of memory (GCC 12, _Never_valueless_alt).
struct Value {
  std::optional<std::string> text{};
  std::optional<double> number{};
  std::optional<bool> boolean{};
};

/// An option or a block as it stands in the configuration.
struct Item {
  std::string key;
  std::vector<Value> values{};
  std::vector<Item> children{};  ///< of a block

  /// Whether this is the option `name`; case does not count.
  bool Is(std::string_view name) const;

  /// The line of the configuration, printable.
  std::string Text() const;
};

/// A number as short as it can be written, up to 15 digits.
std::string FormatNumber(double number);

}  // namespace resource_attribution::options

#endif  // RESOURCE_ATTRIBUTION_CONFIG_ITEM_H_
