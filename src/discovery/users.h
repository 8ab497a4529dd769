#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_USERS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_USERS_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "procfs/result.h"

namespace resource_attribution::discovery {

/// User IDs by name and names by ID, as getpwnam(3) and getpwuid(3) know them.
/// A look-up may ask a directory server, so that each is made at most once a
/// minute, or in the next pass where the daemon was out of descriptors or
/// memory. A user may be created, removed or renumbered while the daemon runs.
/// Not thread-safe.
class Users {
 public:
  /// Adds a user to those whose ID Refresh looks up. A number stands for
  /// itself.
  void Add(const std::string& name);

  /// Looks everything up again unless that was done within the last minute.
  /// Returns whether an ID that was added, or a name, is another than before.
  bool Refresh(std::chrono::steady_clock::time_point now);

  /// ID of a user that was added; none when there is no such user. A look-up
  /// that failed leaves what was known.
  std::optional<uid_t> Id(const std::string& name) const;

  /// Why there is no ID, where that is because the look-up failed.
  std::optional<procfs::Error> Failure(const std::string& name) const;

  /// Name of the user `id`; the number where there is none. Looked up when it
  /// is asked for the first time. Whoever can start processes under many IDs
  /// causes no more than 64 look-ups a minute: the rest are numbers.
  const std::string& Name(uid_t id);

 private:
  struct User {
    std::optional<uid_t> id;
    int error = 0;  // errno of the last look-up
  };

  std::map<std::string, User> ids_;
  std::map<uid_t, std::string> names_;
  std::string number_;
  std::optional<std::chrono::steady_clock::time_point> refreshed_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_USERS_H_
