#ifndef RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_

// collectd's plugin interface, as Debian's collectd-dev ships it: C headers
// that do not say so themselves.
extern "C" {
// clang-format off
#include <collectd/core/daemon/collectd.h>
#include <collectd/core/daemon/plugin.h>
// clang-format on
}

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_
