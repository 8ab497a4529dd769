#include "discovery/users.h"

#include <pwd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "procfs/being_read.h"
#include "procfs/decimal.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Error;

constexpr std::chrono::minutes kLookupPeriod{1};
constexpr size_t kNamesMax = 64;

// Calls getpwnam_r(3) or getpwuid_r(3) with enough memory, and `take` with the
// result: null if there is no such user. If the look-up itself fails, returns
// its errno without a call to `take`; otherwise returns 0.
int LookUp(auto get, auto take) {
  constexpr size_t kEntryMax = size_t{1} << 20;
  std::vector<char> strings(size_t{16} << 10);
  const procfs::Reading reading(Users::kDatabase);
  while (true) {
    passwd entry{};
    passwd* found = nullptr;
    const int error = get(&entry, strings.data(), strings.size(), &found);
    if (error == ERANGE && strings.size() < kEntryMax) {
      strings.resize(strings.size() * 2);
      continue;
    }
    if (error == EINTR) continue;
    if (found == nullptr && error != 0 && error != ENOENT) return error;
    take(found);
    return 0;
  }
}

// Sets `id`; leaves it as it is if the look-up fails.
int LookUpId(const std::string& name, std::optional<uid_t>& id) {
  return LookUp([&](auto... to) { return getpwnam_r(name.c_str(), to...); },
                [&](const passwd* found) {
                  id.reset();
                  if (found != nullptr) id = found->pw_uid;
                });
}

// Sets `name`; leaves it as it is if the look-up fails.
int LookUpName(uid_t id, std::string& name) {
  return LookUp([&](auto... to) { return getpwuid_r(id, to...); },
                [&](const passwd* found) {
                  name = found != nullptr ? found->pw_name : std::to_string(id);
                });
}

Error FailedBy(int error) {
  return {.file = "look-up of a user", .system_error = error};
}

}  // namespace

void Users::Add(const std::string& name) {
  if (!procfs::ParseDecimal<uid_t>(name)) ids_.try_emplace(name);
}

bool Users::Refresh(std::chrono::steady_clock::time_point now) {
  if (passed_over_) {
    for (auto& [name, user] : ids_) user.error = ETIMEDOUT;
    return false;
  }
  if (refreshed_ && now - *refreshed_ < kLookupPeriod) return false;
  refreshed_.reset();
  bool again = false;
  bool changed = false;
  for (auto& [name, user] : ids_) {
    const auto before = user.id;
    user.error = LookUpId(name, user.id);
    again = again || FailedBy(user.error).OutOfResources();
    changed = changed || user.id != before;
  }
  if (names_.size() == kNamesMax) names_.clear();
  for (auto& [id, name] : names_) {
    const std::string before = name;
    again = FailedBy(LookUpName(id, name)).OutOfResources() || again;
    changed = changed || name != before;
  }
  if (!again) refreshed_ = now;
  return changed;
}

std::optional<uid_t> Users::Id(const std::string& name) const {
  if (const auto number = procfs::ParseDecimal<uid_t>(name)) return number;
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : found->second.id;
}

std::optional<Error> Users::Failure(const std::string& name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end() || found->second.id || found->second.error == 0) {
    return std::nullopt;
  }
  return FailedBy(found->second.error);
}

const std::string& Users::Name(uid_t id) {
  const auto known = names_.find(id);
  if (known != names_.end()) return known->second;
  number_ = std::to_string(id);
  if (names_.size() == kNamesMax || passed_over_) return number_;
  std::string name = number_;
  if (FailedBy(LookUpName(id, name)).OutOfResources()) refreshed_.reset();
  return names_.try_emplace(id, std::move(name)).first->second;
}

}  // namespace resource_attribution::discovery
