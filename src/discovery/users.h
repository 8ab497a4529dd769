#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_USERS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_USERS_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "procfs/result.h"

namespace resource_attribution::discovery {

/// User IDs by name and names by ID, from getpwnam(3) and getpwuid(3). A
/// look-up may ask a directory server. Each is therefore made at most once a
/// minute, or in the next pass if the reader was out of descriptors or memory.
/// A user may be created, removed or renumbered while the daemon runs. Not
/// thread-safe.
class Users {
 public:
  /// What Reading notes while users are looked up.
  static constexpr const char* kDatabase = "the user database";

  /// Looks up no user from now on, or does again: the database made it wait.
  /// Meanwhile a user without an ID is as after a look-up that failed.
  void PassOver(bool passed_over) { passed_over_ = passed_over; }

  /// Adds a user whose ID Refresh looks up. A number stands for itself.
  void Add(const std::string& name);

  /// Looks everything up again, unless it did so within the last minute.
  /// Returns whether an ID that was added, or a name, has changed.
  bool Refresh(std::chrono::steady_clock::time_point now);

  /// ID of a user that was added; none if there is no such user. If a look-up
  /// fails, the last known ID stays.
  std::optional<uid_t> Id(const std::string& name) const;

  /// The reason why there is no ID, if the look-up failed.
  std::optional<procfs::Error> Failure(const std::string& name) const;

  /// Name of the user `id`, or the number if there is none. The first call
  /// looks it up. There are at most 64 look-ups a minute, and the other IDs
  /// stay numbers: a user who can start processes under many IDs cannot cause
  /// more.
  const std::string& Name(uid_t id);

 private:
  struct User {
    std::optional<uid_t> id;
    int error = 0;  // errno of the last look-up
  };

  std::map<std::string, User> ids_;
  std::map<uid_t, std::string> names_;
  std::string number_;
  bool passed_over_ = false;
  std::optional<std::chrono::steady_clock::time_point> refreshed_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_USERS_H_
