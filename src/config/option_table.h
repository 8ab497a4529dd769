#ifndef RESOURCE_ATTRIBUTION_CONFIG_OPTION_TABLE_H_
#define RESOURCE_ATTRIBUTION_CONFIG_OPTION_TABLE_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/item.h"

namespace resource_attribution::options {

/// The blocks in which an option may stand, as bits.
enum Scope : unsigned {
  kPlugin = 1,
  kProcess = 2,
  kUntraced = 4,
  kComponent = 8,
  kSampling = 16,
};
using Scopes = unsigned;

/// The object that a block of the configuration fills; the other pointers are
/// null.
struct Target {
  Config* config = nullptr;
  Service* service = nullptr;
  discovery::Selectors* selectors = nullptr;
  Component* component = nullptr;
  Sampling* sampling = nullptr;
};

/// What would be valid; empty if the value is valid.
using Expected = std::optional<std::string>;

/// One option: a row of the table.
struct Option {
  const char* name;
  Scopes scopes;
  const char* kind;  ///< what its value is
  const char* help;  ///< for people, one line
  std::optional<std::pair<double, double>> range{};
  /// The words of a choice, and where each may stand.
  std::vector<std::pair<const char*, Scopes>> words{};
  /// The default as in the file, or in words; empty: none.
  std::string default_text{};
  bool is_repeatable = false;  ///< may be given several times in a block
  bool is_selector = false;
  /// Stores the value of an item in its field. Empty for a block, which the
  /// parser reads.
  std::function<Expected(const Item&, Scope where, const Target&)> set{};
};

/// All options, in the order in which errors and lists name them.
const std::vector<Option>& Table();

/// Sets the option that `item` names, in a block `where`. Returns the error, if
/// there is one.
std::optional<std::string> Set(const Item& item, Scope where,
                               const Target& target);

/// The names of the selectors, for people.
std::string SelectorNames();

}  // namespace resource_attribution::options

#endif  // RESOURCE_ATTRIBUTION_CONFIG_OPTION_TABLE_H_
