#include "passed_over.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "discovery/users.h"

namespace resource_attribution {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// Each takes a descriptor of the daemon.
constexpr size_t kProcessesMax = 128;
constexpr size_t kUsersMax = 1024;
constexpr size_t kFilesMax = 64;
constexpr int kProcessesOfUser = 3;

procfs::Result<std::string_view> ReadStatus(
    const procfs::FileDescriptor& directory, procfs::Buffer& buffer) {
  const procfs::FileDescriptor file(
      openat(directory.get(), "status", O_RDONLY | O_CLOEXEC));
  constexpr size_t kMost = size_t{1} << 20;
  return procfs::ReadProcFile(file.get(), "status", kMost,
                              procfs::Oversize::kFail, buffer);
}

}  // namespace

std::optional<Suspect> Suspect::Find(const std::string& proc_path, pid_t pid) {
  procfs::FileDescriptor directory(
      open((proc_path + "/" + std::to_string(pid)).c_str(),
           O_PATH | O_DIRECTORY | O_CLOEXEC));
  procfs::Buffer buffer;
  const auto status =
      ReadStatus(directory, buffer).and_then(procfs::ParseStatus);
  if (!status || !status->real_user) return std::nullopt;
  return Suspect(pid, *status->real_user, std::move(directory));
}

bool Suspect::IsRunning() const {
  procfs::Buffer buffer;
  const auto status = ReadStatus(directory_, buffer);
  return status && status->find("\nState:\tR") != std::string_view::npos;
}

bool Suspect::HasEnded() const {
  struct stat status {};
  return fstatat(directory_.get(), "status", &status, 0) != 0;
}

std::optional<uid_t> PassedOver::Add(Suspect suspect, TimePoint now) {
  const auto known = std::ranges::find_if(processes_, [&](const Process& one) {
    return one.suspect.pid() == suspect.pid() && !one.suspect.HasEnded();
  });
  if (known != processes_.end()) {
    known->until = known->forget = now + hours{1};
    known->is_passed_over = true;
    return std::nullopt;
  }
  const uid_t id = suspect.user();
  if (processes_.size() == kProcessesMax) processes_.erase(processes_.begin());
  processes_.push_back({.suspect = std::move(suspect),
                        .until = now + minutes{1},
                        .forget = now + hours{1}});
  if (id == 0 || (users_.size() == kUsersMax && !users_.contains(id))) {
    return std::nullopt;
  }
  User& user = users_[id];
  if (user.processes == 0 || now - user.first > hours{1}) {
    user = {.processes = 0, .first = now, .until = {}};
  }
  if (++user.processes != kProcessesOfUser) return std::nullopt;
  user.until = now + hours{1};
  return id;
}

void PassedOver::AddFile(const std::string& path, TimePoint now) {
  if (path == discovery::Users::kDatabase) {
    files_[path] = now + minutes{1};
  } else if (files_.size() < kFilesMax) {
    files_[path.substr(0, path.rfind('/') + 1)] = now + hours{1};
  }
}

bool PassedOver::Refresh(TimePoint now) {
  bool look_again = false;
  std::erase_if(processes_, [&](Process& one) {
    if (one.suspect.HasEnded()) return true;
    if (one.until <= now && one.is_passed_over) look_again = true;
    one.is_passed_over = one.until > now;
    return one.forget <= now;
  });
  std::erase_if(files_, [now](const auto& file) { return file.second <= now; });
  std::erase_if(users_, [&](const auto& entry) {
    const User& user = entry.second;
    if (user.processes < kProcessesOfUser) {
      return now - user.first > hours{1};
    }
    look_again = look_again || user.until <= now;
    return user.until <= now;
  });
  return look_again;
}

procfs::PassedOver PassedOver::List() const {
  procfs::PassedOver list;
  for (const Process& one : processes_) {
    if (one.is_passed_over) list.processes.push_back(one.suspect.pid());
  }
  for (const auto& [id, user] : users_) {
    if (user.processes >= kProcessesOfUser) list.users.push_back(id);
  }
  for (const auto& file : files_) list.files.push_back(file.first);
  return list;
}

}  // namespace resource_attribution
