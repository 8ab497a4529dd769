#include "fake_collectd.h"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace {

cdtime_t ToCdtime(double seconds) { return DOUBLE_TO_CDTIME_T_STATIC(seconds); }

}  // namespace

FakeCollectd* FakeCollectd::current = nullptr;

std::vector<std::string> FakeCollectd::Lines(int severity) const {
  std::vector<std::string> lines;
  for (const Line& line : log) {
    if (line.severity == severity) lines.push_back(line.text);
  }
  return lines;
}

ConfigTree::ConfigTree(Children options)
    : node_{"Plugin", {"resource_attribution"}, std::move(options)} {
  Build(node_, root_);
}

void ConfigTree::Build(Node& node, oconfig_item_t& item) {
  item.key = node.key.data();
  std::vector<oconfig_value_t>& values = values_.emplace_back();
  for (Argument& argument : node.arguments) {
    oconfig_value_t& value = values.emplace_back();
    value.type = argument.type;
    if (argument.type == OCONFIG_TYPE_STRING) {
      value.value.string = argument.string.data();
    } else if (argument.type == OCONFIG_TYPE_NUMBER) {
      value.value.number = argument.number;
    } else {
      value.value.boolean = argument.boolean ? 1 : 0;
    }
  }
  item.values = values.data();
  item.values_num = static_cast<int>(values.size());
  std::vector<oconfig_item_t>& children =
      items_.emplace_back(node.children.size());
  for (size_t i = 0; i < children.size(); ++i) {
    Build(node.children[i], children[i]);
    children[i].parent = &item;
  }
  item.children = children.data();
  item.children_num = static_cast<int>(children.size());
}

// The daemon's functions, as declared in its headers.
extern "C" {

int plugin_register_complex_config(const char* /*type*/,
                                   int (*callback)(oconfig_item_t*)) {
  FakeCollectd::current->config = callback;
  return 0;
}

int plugin_register_init(const char* /*name*/, plugin_init_cb callback) {
  FakeCollectd::current->init = callback;
  return 0;
}

int plugin_register_complex_read(const char* /*group*/, const char* /*name*/,
                                 plugin_read_cb callback, cdtime_t interval,
                                 user_data_t const* /*user_data*/) {
  if (const int status = FakeCollectd::current->register_read_status) {
    return status;
  }
  FakeCollectd::current->read = callback;
  FakeCollectd::current->read_interval =
      static_cast<double>(interval) / 1073741824.0;
  return 0;
}

int plugin_register_log(const char* /*name*/, plugin_log_cb callback,
                        user_data_t const* /*user_data*/) {
  FakeCollectd::current->log_callback = callback;
  return 0;
}

int plugin_register_shutdown(const char* /*name*/,
                             plugin_shutdown_cb callback) {
  FakeCollectd::current->shutdown = callback;
  return 0;
}

int plugin_register_data_set(const data_set_t* set) {
  FakeCollectd::DataSet& sources =
      FakeCollectd::current->data_sets[set->type] = {};
  for (size_t i = 0; i < set->ds_num; ++i) {
    const data_source_t& source = set->ds[i];
    sources.push_back({source.name, source.type, source.min, source.max});
  }
  return 0;
}

plugin_ctx_t plugin_get_ctx() { return {}; }

plugin_ctx_t plugin_set_ctx(plugin_ctx_t context) { return context; }

int plugin_dispatch_values(value_list_t const* list) {
  FakeCollectd::current->values.push_back(
      {list->plugin,
       list->plugin_instance,
       list->type,
       list->type_instance,
       list->values[0].gauge,
       list->time,
       {list->values, list->values + list->values_len}});
  return FakeCollectd::current->dispatch_fails ? -1 : 0;
}

void plugin_log(int level, const char* format, ...) {
  std::array<char, 1024> text{};  // as in the daemon
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  FakeCollectd::current->log.push_back({level, text.data()});
}

cdtime_t plugin_get_interval(void) {
  return ToCdtime(FakeCollectd::current->load_plugin_interval);
}

cdtime_t cf_get_default_interval(void) {
  return ToCdtime(FakeCollectd::current->global_interval);
}

cdtime_t cdtime(void) { return ToCdtime(FakeCollectd::current->time); }

}  // extern "C"
