#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CONFIG_PARSER_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CONFIG_PARSER_H_

#include <map>
#include <string>
#include <vector>

#include "collectd.h"
#include "config/config.h"

namespace resource_attribution {

/// Reads collectd's configuration tree into a Config.
class ConfigParser {
 public:
  /// Adds one `<Plugin resource_attribution>` block; several add up, and of a
  /// value that is set twice the last one holds. Returns what is wrong in this
  /// block, all of it, one line each: the option, its value, what would be
  /// valid.
  std::vector<std::string> Add(const oconfig_item_t& plugin_block);

  /// Everything that was added; leaves the parser empty.
  Config Take();

 private:
  void AddProcess(const oconfig_item_t& item, std::vector<std::string>& errors);
  void AddBlock(Service block, const std::string& description,
                std::vector<std::string>& errors);

  Config config_;
  std::map<std::string, std::string> description_by_name_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CONFIG_PARSER_H_
