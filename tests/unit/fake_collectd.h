#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_FAKE_COLLECTD_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_FAKE_COLLECTD_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "collectd.h"

/// Stands in for the daemon: records what the module registers, logs and
/// dispatches, and calls it as the daemon does.
struct FakeCollectd {
  struct Line {
    int severity;
    std::string text;
  };
  struct Value {
    std::string plugin, instance, type, type_instance;
    double value;  // of the first source
    cdtime_t time;
    std::vector<value_t> values;
  };
  struct Source {
    std::string name;
    int type;
    double min, max;
  };
  using DataSet = std::vector<Source>;

  double global_interval = 10;
  double load_plugin_interval = 10;
  double time = 1700000000;  // seconds
  int register_read_status = 0;
  bool dispatch_fails = false;

  int (*config)(oconfig_item_t*) = nullptr;
  int (*init)() = nullptr;
  int (*read)(user_data_t*) = nullptr;
  int (*shutdown)() = nullptr;
  plugin_log_cb log_callback = nullptr;
  double read_interval = 0;
  std::map<std::string, DataSet> data_sets;
  std::vector<Line> log;
  std::vector<Value> values;

  /// The one whose functions the module calls.
  static FakeCollectd* current;

  FakeCollectd() { current = this; }
  ~FakeCollectd() { current = nullptr; }

  /// The lines of one severity.
  std::vector<std::string> Lines(int severity) const;
};

/// A configuration tree, built as collectd's parser builds it.
class ConfigTree {
 public:
  struct Node;
  using Children = std::vector<Node>;
  /// One argument of an option.
  struct Argument {
    Argument(const char* text) : type(OCONFIG_TYPE_STRING), string(text) {}
    Argument(std::string text)
        : type(OCONFIG_TYPE_STRING), string(std::move(text)) {}
    Argument(double value) : type(OCONFIG_TYPE_NUMBER), number(value) {}
    Argument(int value) : Argument(static_cast<double>(value)) {}
    Argument(bool value) : type(OCONFIG_TYPE_BOOLEAN), boolean(value) {}
    int type;
    std::string string;
    double number = 0;
    bool boolean = false;
  };
  struct Node {
    std::string key;
    std::vector<Argument> arguments;
    Children children;
  };

  /// `<Plugin resource_attribution>` with these options.
  explicit ConfigTree(Children options);

  oconfig_item_t* get() { return &root_; }

 private:
  void Build(Node& node, oconfig_item_t& item);

  Node node_;
  oconfig_item_t root_{};
  std::deque<std::vector<oconfig_item_t>> items_;
  std::deque<std::vector<oconfig_value_t>> values_;
};

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_FAKE_COLLECTD_H_
