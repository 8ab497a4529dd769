#ifndef RESOURCE_ATTRIBUTION_CONFIG_CONFIG_PARSER_H_
#define RESOURCE_ATTRIBUTION_CONFIG_CONFIG_PARSER_H_

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/item.h"

namespace resource_attribution {

/// Reads the configuration into a Config. Knows no collectd.
class ConfigParser {
 public:
  /// Adds one `<Plugin resource_attribution>` block. Several blocks add up; if
  /// a value is set twice, the last one holds. Returns all errors in this
  /// block, one line each: the option, its value, what would be valid.
  std::vector<std::string> Add(const options::Item& plugin_block);

  /// Returns everything that was added and leaves the parser empty. Each
  /// service begins with the options of the plugin, even with options that come
  /// after it. Without a block, the daemon itself is the service.
  Config Take();

 private:
  void AddService(const options::Item& item, std::vector<std::string>& errors);
  void AddSampled(const Service& service, std::vector<std::string>& errors);

  std::vector<options::Item> plugin_options_;
  std::vector<options::Item> services_;
  std::map<std::string, std::string> description_by_name_;
  std::map<std::string, std::string> block_by_sampled_service_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_CONFIG_CONFIG_PARSER_H_
