#include "config_item.h"

#include "discovery/name_template.h"

namespace resource_attribution {
namespace {

static_assert(discovery::kSeriesNameMax == DATA_MAX_NAME_LEN - 1);

options::Value ValueFrom(const oconfig_value_t& value) {
  switch (value.type) {
    case OCONFIG_TYPE_STRING:
      return {.text = value.value.string};
    case OCONFIG_TYPE_NUMBER:
      return {.number = value.value.number};
    default:
      return {.boolean = value.value.boolean != 0};
  }
}

}  // namespace

options::Item ItemFrom(const oconfig_item_t& item) {
  options::Item copy{.key = item.key};
  for (int i = 0; i < item.values_num; ++i) {
    copy.values.push_back(ValueFrom(item.values[i]));
  }
  for (int i = 0; i < item.children_num; ++i) {
    copy.children.push_back(ItemFrom(item.children[i]));
  }
  return copy;
}

}  // namespace resource_attribution
