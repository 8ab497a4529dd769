#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_USER_IDS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_USER_IDS_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace resource_attribution::discovery {

/// User IDs by name, as getpwnam(3) knows them. A look-up may ask a directory
/// server, so that each name is looked up at most once a minute, all of them at
/// the beginning of a pass. A user may be created, removed or renumbered while
/// the daemon runs. Not thread-safe.
class UserIds {
 public:
  /// Adds a user to those that Refresh looks up. A number stands for itself.
  void Add(const std::string& name);

  /// Looks all names up again unless that was done within the last minute.
  void Refresh(std::chrono::steady_clock::time_point now);

  /// ID of a user that was added; none when there is no such user. A look-up
  /// that failed leaves what was known.
  std::optional<uid_t> Get(const std::string& name) const;

 private:
  std::map<std::string, std::optional<uid_t>> ids_;
  std::optional<std::chrono::steady_clock::time_point> refreshed_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_USER_IDS_H_
