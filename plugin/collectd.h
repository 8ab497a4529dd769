#ifndef RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_

// collectd's plugin interface: C headers without extern "C". Those of collectd
// 5.8 use C's name for the type bool.
#define _Bool bool
extern "C" {
// clang-format off
#include <daemon/collectd.h>
#include <daemon/plugin.h>
// clang-format on
}

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_COLLECTD_H_
