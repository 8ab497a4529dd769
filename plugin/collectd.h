#ifndef RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_

// collectd's plugin interface: C headers that do not say so themselves.
extern "C" {
// clang-format off
#include <daemon/collectd.h>
#include <daemon/plugin.h>
// clang-format on
}

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_
