#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_TRACEFS_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_TRACEFS_H_

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

/// Makes sure that tracefs is mounted at its usual place, for this process
/// alone if need be. False where that is not possible.
inline bool MountTracefs() {
  constexpr const char* kMount = "/sys/kernel/tracing";
  constexpr const char* kFile = "/sys/kernel/tracing/events/sock";
  if (access(kFile, R_OK) == 0) return true;
  return unshare(CLONE_NEWNS) == 0 &&
         mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tracefs", kMount, "tracefs", 0, nullptr) == 0 &&
         access(kFile, R_OK) == 0;
}

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_TRACEFS_H_
