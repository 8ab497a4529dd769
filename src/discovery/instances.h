#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_INSTANCES_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_INSTANCES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace resource_attribution::discovery {

/// The names under which values are reported: the name of a block, or, if it
/// holds placeholders, each name that its processes made. No two instances have
/// the same name. Not thread-safe.
class Instances {
 public:
  struct Instance {
    std::string name;  ///< empty: this place is free
    size_t block = 0;
    size_t empty_passes = 0;
    bool lasting = false;  ///< of a block without placeholders
  };

  /// Why a name makes no instance.
  enum class Refusal {
    kTooMany,  ///< the block has as many as it may
    kTaken,    ///< the name is that of another block
  };
  struct Made {
    size_t index = 0;
    std::optional<Refusal> refusal{};
  };

  /// Passes without a process after which an instance is forgotten.
  static constexpr size_t kEmptyPassesMax = 10;

  /// Adds the instance of a block without placeholders. Returns its index.
  size_t AddLasting(const std::string& name, size_t block);

  /// The instance `name` of `block`. Makes it if it is new and the block has
  /// fewer than `max`.
  Made Make(const std::string& name, size_t block, size_t max);

  /// Ends a pass: forgets the instances that had no process for ten passes.
  /// `used` says for each whether it had one in this pass. Returns whether an
  /// instance was forgotten.
  bool EndPass(const std::vector<bool>& used);

  /// An index stays the same as long as its instance exists.
  const Instance& operator[](size_t index) const { return instances_[index]; }
  size_t size() const { return instances_.size(); }

 private:
  std::vector<Instance> instances_;
  std::map<std::string, size_t, std::less<>> index_by_name_;
  std::map<size_t, size_t> count_by_block_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_INSTANCES_H_
