#include "discovery/instances.h"

#include <algorithm>

namespace resource_attribution::discovery {

size_t Instances::AddLasting(const std::string& name, size_t block) {
  index_by_name_.emplace(name, instances_.size());
  instances_.push_back({.name = name, .block = block, .lasting = true});
  return instances_.size() - 1;
}

Instances::Made Instances::Make(const std::string& name, size_t block,
                                size_t max) {
  const auto known = index_by_name_.find(name);
  if (known != index_by_name_.end()) {
    if (instances_[known->second].block == block) return {known->second};
    return {.refusal = Refusal::kTaken};
  }
  size_t& count = count_by_block_[block];
  if (count >= max) return {.refusal = Refusal::kTooMany};

  auto place =
      std::find_if(instances_.begin(), instances_.end(),
                   [](const Instance& one) { return one.name.empty(); });
  if (place == instances_.end()) place = instances_.insert(place, Instance{});
  const auto index = static_cast<size_t>(place - instances_.begin());
  std::string own_name = name;
  index_by_name_.emplace(name, index);
  place->name.swap(own_name);
  place->block = block;
  place->empty_passes = 0;
  ++count;
  return {index};
}

bool Instances::EndPass(const std::vector<bool>& used) {
  bool forgot_one = false;
  for (size_t index = 0; index < instances_.size(); ++index) {
    Instance& instance = instances_[index];
    if (instance.lasting || instance.name.empty()) continue;
    instance.empty_passes = used[index] ? 0 : instance.empty_passes + 1;
    if (instance.empty_passes < kEmptyPassesMax) continue;
    index_by_name_.erase(instance.name);
    --count_by_block_[instance.block];
    instance.name.clear();
    forgot_one = true;
  }
  return forgot_one;
}

}  // namespace resource_attribution::discovery
