#include "discovery/series_table.h"

#include <algorithm>

namespace resource_attribution::discovery {

size_t SeriesTable::AddLasting(const std::string& name, size_t service) {
  indices_by_name_.emplace(name, series_.size());
  series_.push_back({.name = name, .service = service, .lasting = true});
  return series_.size() - 1;
}

bool SeriesTable::BeginPass(TimePoint now) {
  const bool is_over =
      !hour_began_ || now - *hour_began_ >= std::chrono::hours(1);
  if (!is_over) return false;
  hour_began_ = now;
  new_by_service_.clear();
  return true;
}

SeriesTable::Made SeriesTable::Make(const std::string& name, size_t service,
                                    Claim claim, size_t max) {
  const auto [first, last] = indices_by_name_.equal_range(name);
  for (auto known = first; known != last; ++known) {
    const size_t index = known->second;
    if (series_[index].service == service) return {index};
    if (series_[index].lasting) return {index, Refusal::kTaken};
  }
  size_t& count = count_by_service_[service];
  if (count >= max) return {.refusal = Refusal::kTooMany};
  if (!MayMake(name, service, max)) return {.refusal = Refusal::kTooManyNew};
  const size_t index = FreePlace();
  std::string own_name = name;
  indices_by_name_.emplace(name, index);
  Series& place = series_[index];
  place.name.swap(own_name);
  place.service = service;
  place.empty_passes = 0;
  place.claim = claim;
  ++count;
  FindRivals(name);
  return {index};
}

size_t SeriesTable::FreePlace() {
  const auto place = std::ranges::find_if(
      series_, [](const Series& one) { return one.name.empty(); });
  const auto index = static_cast<size_t>(place - series_.begin());
  if (place == series_.end()) series_.emplace_back();
  return index;
}

// Whether the service may make a name that it does not have. One that it made
// in this hour is not new.
bool SeriesTable::MayMake(const std::string& name, size_t service, size_t max) {
  if (!first_pass_is_over_) return true;
  std::set<size_t>& made = new_by_service_[service];
  const size_t hash = std::hash<std::string>{}(name);
  if (made.contains(hash)) return true;
  if (made.size() >= std::max(max, kNewInAnHour)) return false;
  made.insert(hash);
  return true;
}

// Settles who has a name, whenever a series of that name came or went.
void SeriesTable::FindRivals(const std::string& name) {
  const auto [first, last] = indices_by_name_.equal_range(name);
  for (auto one = first; one != last; ++one) {
    Series& series = series_[one->second];
    series.rival.reset();
    for (auto other = first; other != last; ++other) {
      const Claim claim = ClaimOf(other->second);
      if (other != one && claim <= series.claim &&
          (!series.rival || claim < ClaimOf(*series.rival))) {
        series.rival = other->second;
      }
    }
  }
}

bool SeriesTable::EndPass(const std::vector<bool>& used) {
  first_pass_is_over_ = true;
  bool forgot_one = false;
  for (size_t index = 0; index < series_.size(); ++index) {
    Series& series = series_[index];
    if (series.lasting || series.name.empty()) continue;
    series.empty_passes = used[index] ? 0 : series.empty_passes + 1;
    if (series.empty_passes < kEmptyPassesMax) continue;
    const auto [first, last] = indices_by_name_.equal_range(series.name);
    indices_by_name_.erase(std::find_if(
        first, last, [index](const auto& one) { return one.second == index; }));
    series.rival.reset();
    FindRivals(series.name);
    --count_by_service_[series.service];
    series.name.clear();
    forgot_one = true;
  }
  return forgot_one;
}

}  // namespace resource_attribution::discovery
