#ifndef RESOURCE_ATTRIBUTION_CONFIG_ITEM_H_
#define RESOURCE_ATTRIBUTION_CONFIG_ITEM_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resource_attribution::options {

/// A value in the configuration. Exactly one of the three fields is set. Text
/// stands in quotes in the file.
///
/// Not a std::variant: libstdc++ assumes that a variant with text is always
/// valid. It is not if memory runs out during a copy (GCC 12,
/// _Never_valueless_alt).
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

/// A number in its shortest form, up to 15 digits.
std::string FormatNumber(double number);

}  // namespace resource_attribution::options

#endif  // RESOURCE_ATTRIBUTION_CONFIG_ITEM_H_
