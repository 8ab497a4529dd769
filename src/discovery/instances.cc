#include "discovery/instances.h"

#include <algorithm>

namespace resource_attribution::discovery {

size_t Instances::AddLasting(const std::string& name, size_t block) {
  indices_by_name_.emplace(name, instances_.size());
  instances_.push_back({.name = name, .block = block, .lasting = true});
  claimants_.push_back({});
  return instances_.size() - 1;
}

bool Instances::BeginPass(TimePoint now) {
  const bool is_over =
      !hour_began_ || now - *hour_began_ >= std::chrono::hours(1);
  if (!is_over) return false;
  hour_began_ = now;
  new_by_block_.clear();
  return true;
}

Instances::Made Instances::Make(const std::string& name, size_t block,
                                Claim claim, size_t max) {
  const auto [first, last] = indices_by_name_.equal_range(name);
  for (auto known = first; known != last; ++known) {
    const size_t index = known->second;
    if (instances_[index].block == block) return {index};
    if (instances_[index].lasting) return {index, Refusal::kTaken};
  }
  size_t& count = count_by_block_[block];
  if (count >= max || !MayMake(name, block, max)) {
    return {.refusal = Refusal::kTooMany};
  }
  const size_t index = FreePlace();
  std::string own_name = name;
  indices_by_name_.emplace(name, index);
  Instance& place = instances_[index];
  place.name.swap(own_name);
  place.block = block;
  place.empty_passes = 0;
  claimants_[index].claim = claim;
  ++count;
  FindRivals(name);
  return {index};
}

size_t Instances::FreePlace() {
  const auto place =
      std::find_if(instances_.begin(), instances_.end(),
                   [](const Instance& one) { return one.name.empty(); });
  const auto index = static_cast<size_t>(place - instances_.begin());
  if (place == instances_.end()) {
    claimants_.resize(index + 1);
    instances_.emplace_back();
  }
  return index;
}

// Whether the block may make a name that it does not have. One that it made in
// this hour is not new.
bool Instances::MayMake(const std::string& name, size_t block, size_t max) {
  if (!first_pass_is_over_) return true;
  std::set<size_t>& made = new_by_block_[block];
  const size_t hash = std::hash<std::string>{}(name);
  if (made.contains(hash)) return true;
  if (made.size() >= std::max(max, kNewInAnHour)) return false;
  made.insert(hash);
  return true;
}

// Settles who has a name, whenever an instance of that name came or went.
void Instances::FindRivals(const std::string& name) {
  const auto [first, last] = indices_by_name_.equal_range(name);
  for (auto one = first; one != last; ++one) {
    Claimant& claimant = claimants_[one->second];
    claimant.rival.reset();
    for (auto other = first; other != last; ++other) {
      const Claim claim = claimants_[other->second].claim;
      if (other != one && claim <= claimant.claim &&
          (!claimant.rival || claim < ClaimOf(*claimant.rival))) {
        claimant.rival = other->second;
      }
    }
  }
}

bool Instances::EndPass(const std::vector<bool>& used) {
  first_pass_is_over_ = true;
  bool forgot_one = false;
  for (size_t index = 0; index < instances_.size(); ++index) {
    Instance& instance = instances_[index];
    if (instance.lasting || instance.name.empty()) continue;
    instance.empty_passes = used[index] ? 0 : instance.empty_passes + 1;
    if (instance.empty_passes < kEmptyPassesMax) continue;
    const auto [first, last] = indices_by_name_.equal_range(instance.name);
    indices_by_name_.erase(std::find_if(
        first, last, [index](const auto& one) { return one.second == index; }));
    claimants_[index].rival.reset();
    FindRivals(instance.name);
    --count_by_block_[instance.block];
    instance.name.clear();
    forgot_one = true;
  }
  return forgot_one;
}

}  // namespace resource_attribution::discovery
