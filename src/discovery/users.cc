#include "discovery/users.h"

#include <pwd.h>

#include <cerrno>
#include <vector>

#include "procfs/decimal.h"

namespace resource_attribution::discovery {
namespace {

constexpr std::chrono::minutes kLookupPeriod{1};
constexpr size_t kNamesMax = 64;

// Calls getpwnam_r(3) or getpwuid_r(3) with memory enough, and `take` with what
// it found: null for no such user. Not when the look-up itself failed.
void LookUp(auto get, auto take) {
  constexpr size_t kEntryMax = size_t{1} << 20;
  std::vector<char> strings(size_t{16} << 10);
  while (true) {
    passwd entry{};
    passwd* found = nullptr;
    const int error = get(&entry, strings.data(), strings.size(), &found);
    if (error == ERANGE && strings.size() < kEntryMax) {
      strings.resize(strings.size() * 2);
      continue;
    }
    if (error == EINTR) continue;
    if (found != nullptr || error == 0 || error == ENOENT) take(found);
    return;
  }
}

// Sets `id`, or leaves it when the look-up itself fails.
void LookUpId(const std::string& name, std::optional<uid_t>& id) {
  LookUp([&](auto... to) { return getpwnam_r(name.c_str(), to...); },
         [&](const passwd* found) {
           id.reset();
           if (found != nullptr) id = found->pw_uid;
         });
}

// Sets `name`, likewise.
void LookUpName(uid_t id, std::string& name) {
  LookUp([&](auto... to) { return getpwuid_r(id, to...); },
         [&](const passwd* found) {
           name = found != nullptr ? found->pw_name : std::to_string(id);
         });
}

}  // namespace

void Users::Add(const std::string& name) {
  if (!procfs::ParseDecimal<uid_t>(name)) ids_.try_emplace(name);
}

bool Users::Refresh(std::chrono::steady_clock::time_point now) {
  if (refreshed_ && now - *refreshed_ < kLookupPeriod) return false;
  refreshed_ = now;
  bool changed = false;
  for (auto& [name, id] : ids_) {
    const auto before = id;
    LookUpId(name, id);
    changed = changed || id != before;
  }
  if (names_.size() == kNamesMax) names_.clear();
  for (auto& [id, name] : names_) LookUpName(id, name);
  return changed;
}

std::optional<uid_t> Users::Id(const std::string& name) const {
  if (const auto number = procfs::ParseDecimal<uid_t>(name)) return number;
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : found->second;
}

const std::string& Users::Name(uid_t id) {
  const auto known = names_.find(id);
  if (known != names_.end()) return known->second;
  number_ = std::to_string(id);
  if (names_.size() == kNamesMax) return number_;
  std::string& name = names_.try_emplace(id, number_).first->second;
  LookUpName(id, name);
  return name;
}

}  // namespace resource_attribution::discovery
