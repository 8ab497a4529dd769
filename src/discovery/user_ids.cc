#include "discovery/user_ids.h"

#include <pwd.h>

#include <cerrno>
#include <vector>

#include "procfs/decimal.h"

namespace resource_attribution::discovery {
namespace {

constexpr std::chrono::minutes kLookupPeriod{1};

// Looks `name` up into `id`; leaves it when the look-up itself fails.
void LookUp(const std::string& name, std::optional<uid_t>& id) {
  constexpr size_t kEntryMax = size_t{1} << 20;
  std::vector<char> strings(size_t{16} << 10);
  while (true) {
    passwd entry{};
    passwd* found = nullptr;
    const int error = getpwnam_r(name.c_str(), &entry, strings.data(),
                                 strings.size(), &found);
    if (error == ERANGE && strings.size() < kEntryMax) {
      strings.resize(strings.size() * 2);
      continue;
    }
    if (error == EINTR) continue;
    if (found != nullptr) {
      id = found->pw_uid;
    } else if (error == 0 || error == ENOENT) {
      id.reset();
    }
    return;
  }
}

}  // namespace

void UserIds::Add(const std::string& name) {
  if (!procfs::ParseDecimal<uid_t>(name)) ids_.try_emplace(name);
}

void UserIds::Refresh(std::chrono::steady_clock::time_point now) {
  if (refreshed_ && now - *refreshed_ < kLookupPeriod) return;
  refreshed_ = now;
  for (auto& [name, id] : ids_) LookUp(name, id);
}

std::optional<uid_t> UserIds::Get(const std::string& name) const {
  if (const auto number = procfs::ParseDecimal<uid_t>(name)) return number;
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : found->second;
}

}  // namespace resource_attribution::discovery
