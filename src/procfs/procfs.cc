#include "procfs/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "procfs/decimal.h"

namespace resource_attribution::procfs {

Result<Procfs> Procfs::Open(const std::string& path, Daemon daemon) {
  Procfs proc(
      FileDescriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      daemon);
  if (proc.directory_.get() < 0) return Failed(path.c_str());
  // Without this check an empty mount point would look like a host without
  // processes for ever. The entry exists even if it leads nowhere because the
  // caller is in another PID namespace.
  struct stat self {};
  if (fstatat(proc.directory_.get(), "self", &self, AT_SYMLINK_NOFOLLOW) != 0) {
    return Invalid(path.c_str(), "a procfs mounted there");
  }
  if (const auto found = proc.FindOwnPids(); !found) {
    return tl::unexpected(found.error());
  }
  return proc;
}

// The mount shows PIDs of the PID namespace in which it was made. If that is
// not the daemon's, the daemon has no PID there, or several: one there, and one
// in each namespace from there down to its own.
Result<void> Procfs::FindOwnPids() {
  Buffer buffer;
  const auto self = Self();
  const auto pids =
      self.and_then([&](pid_t pid) { return GlanceAt(pid).CountPids(buffer); });
  if (!pids && pids.error().OutOfResources()) {
    return tl::unexpected(pids.error());
  }
  has_own_pids_ = self == getpid() && pids.value_or(1) == 1;
  return {};
}

Result<void> Procfs::ForEachProcess(
    const std::function<void(pid_t)>& take) const {
  // A hundred entries or more. With many more, the first would have left the
  // CPU's caches before they are looked at.
  alignas(dirent64) std::array<char, 4096> entries{};
  constexpr const char* kList = "list of processes";
  if (lseek(directory_.get(), 0, SEEK_SET) != 0) return Failed(kList);
  return ForEachEntry(directory_.get(), kList, entries,
                      [&](std::string_view name, int /*type*/) {
                        const auto pid = ParseDecimal<pid_t>(name);
                        if (pid && *pid > 0 && !IsPassedOver(*pid)) take(*pid);
                      });
}

Result<pid_t> Procfs::Self() const {
  std::array<char, 32> target{};
  const ssize_t size =
      readlinkat(directory_.get(), "self", target.data(), target.size());
  if (size < 0) return Failed("/proc/self");
  const auto pid = ParseDecimal<pid_t>(
      std::string_view(target.data(), static_cast<size_t>(size)));
  if (!pid || *pid <= 0) {
    return Invalid("/proc/self", "a process ID");
  }
  return *pid;
}

Result<pid_t> Procfs::DaemonPid() const {
  const auto self = Self();
  if (daemon_ == Daemon::kThisProcess || !self) return self;
  Buffer buffer;
  return GlanceAt(*self).ReadStat(buffer).and_then(
      [](const Stat& stat) -> Result<pid_t> {
        if (stat.parent > 0) return stat.parent;
        return Invalid("/proc/self/stat", "the daemon's PID");
      });
}

// `status` waits for no lock that a process can hold (proc_pid_status in
// fs/proc/array.c). The real user ID stays that of the user who executes a
// program with the set-user-ID bit.
bool Procfs::IsPassedOver(pid_t pid) const {
  const auto has = [](const auto& list, const auto& one) {
    return std::ranges::find(list, one) != list.end();
  };
  if (has(passed_over_.processes, pid)) return true;
  if (passed_over_.users.empty()) return false;
  Buffer buffer;
  const auto status = Process::Glance(directory_.get(), pid).ReadStatus(buffer);
  return status && status->real_user &&
         has(passed_over_.users, *status->real_user);
}

bool Procfs::IsPassedOver(std::string_view file) const {
  const std::string_view directory = file.substr(0, file.rfind('/') + 1);
  return std::ranges::any_of(passed_over_.files, [&](const std::string& one) {
    return one == directory || one == file;
  });
}

bool Procfs::HidesProcesses() const {
  struct statfs file_system {};
  const int fd = directory_.get();
  if (fstatfs(fd, &file_system) != 0 ||
      file_system.f_type != PROC_SUPER_MAGIC) {
    return false;
  }
  // Every PID namespace has a process 1, and every user may read its `stat`.
  const FileDescriptor stat(openat(fd, "1/stat", O_RDONLY | O_CLOEXEC));
  return stat.get() < 0 &&
         (errno == ENOENT || errno == EPERM || errno == EACCES);
}

Result<Process> Procfs::OpenProcess(pid_t pid) const {
  if (IsPassedOver(pid)) return Failed("/proc/PID", ESRCH);
  return Process::Open(directory_.get(), pid);
}

Process Procfs::GlanceAt(pid_t pid) const {
  constexpr pid_t kNone = 0;  // no directory of procfs has this name
  return Process::Glance(directory_.get(), IsPassedOver(pid) ? kNone : pid);
}

}  // namespace resource_attribution::procfs
