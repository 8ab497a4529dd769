#include "passed_over.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace resource_attribution {
namespace {

constexpr std::chrono::hours kHour{1};

// Each takes a descriptor of the daemon.
constexpr size_t kProcessesMax = 64;
constexpr size_t kUsersMax = 1024;
constexpr size_t kFilesMax = 64;
constexpr int kProcessesOfUser = 3;

bool HasEnded(const procfs::FileDescriptor& process) {
  pollfd polled{process.get(), POLLIN, 0};
  return poll(&polled, 1, 0) == 1;
}

}  // namespace

// It holds up a read, so it exists, and its PID is its own. If it has ended
// since, there is no such process, or the read would not have waited.
void PassedOver::AddProcess(pid_t pid) {
  procfs::FileDescriptor descriptor(
      static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (descriptor.get() < 0) return;
  if (processes_.size() == kProcessesMax) processes_.erase(processes_.begin());
  processes_.push_back({pid, std::move(descriptor)});
}

void PassedOver::AddFile(const std::string& path, TimePoint now) {
  if (files_.size() < kFilesMax) files_[path] = now + kHour;
}

bool PassedOver::BlameUser(uid_t user, TimePoint now) {
  if (user == 0 || users_.size() == kUsersMax) return false;
  User& blamed = users_[user];
  if (blamed.processes == 0 || now - blamed.first > kHour) {
    blamed = {.processes = 0, .first = now, .until = {}};
  }
  if (++blamed.processes < kProcessesOfUser) return false;
  blamed.until = now + kHour;
  return true;
}

bool PassedOver::Refresh(TimePoint now) {
  std::erase_if(processes_,
                [](const Process& one) { return HasEnded(one.descriptor); });
  std::erase_if(files_, [now](const auto& file) { return file.second <= now; });
  bool look_again = false;
  std::erase_if(users_, [&](const auto& entry) {
    const User& user = entry.second;
    const bool was_passed_over = user.processes >= kProcessesOfUser;
    const bool over =
        was_passed_over ? user.until <= now : now - user.first > kHour;
    look_again = look_again || (over && was_passed_over);
    return over;
  });
  return look_again;
}

procfs::PassedOver PassedOver::List() const {
  procfs::PassedOver list;
  for (const Process& one : processes_) list.processes.push_back(one.pid);
  for (const auto& [id, user] : users_) {
    if (user.processes >= kProcessesOfUser) list.users.push_back(id);
  }
  for (const auto& file : files_) list.files.push_back(file.first);
  return list;
}

}  // namespace resource_attribution
