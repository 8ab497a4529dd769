#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CONFIG_ITEM_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CONFIG_ITEM_H_

#include "collectd.h"
#include "config/item.h"

namespace resource_attribution {

/// An item of collectd's configuration tree, with its values and all items
/// below it.
options::Item ItemFrom(const oconfig_item_t& item);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CONFIG_ITEM_H_
