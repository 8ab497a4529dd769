#include "discovery/candidate.h"

namespace resource_attribution::discovery {

using procfs::Result;

const Result<std::string_view>& Candidate::Comm() {
  if (!comm_) {
    if (watched_ != nullptr) {
      const std::string_view comm = watched_->comm;
      comm_ = comm;
    } else if (stat_ && *stat_) {
      comm_ = (*stat_)->comm;
    } else {
      comm_ = process_.ReadComm(buffers_.comm);
    }
  }
  return *comm_;
}

const Result<procfs::Cmdline>& Candidate::Cmdline() {
  if (!cmdline_) cmdline_ = process_.ReadCmdline(buffers_.cmdline);
  return *cmdline_;
}

const Result<std::string_view>& Candidate::Exe() {
  if (!exe_) exe_ = process_.ReadExe(buffers_.exe);
  return *exe_;
}

Result<procfs::Stat> Candidate::Stat() {
  if (watched_ != nullptr) return watched_->stat;
  if (!stat_) stat_ = process_.ReadStat(buffers_.stat);
  return *stat_;
}

Result<pid_t> Candidate::Parent() {
  return Stat().map([](const procfs::Stat& stat) { return stat.parent; });
}

Result<bool> Candidate::IsKernelThread() {
  return Stat().map(
      [](const procfs::Stat& stat) { return stat.KernelThread(); });
}

Result<std::optional<uid_t>> Candidate::EffectiveUser() {
  if (watched_ != nullptr) return watched_->status.effective_user;
  if (!status_) status_ = process_.ReadStatus(buffers_.status);
  return status_->map(
      [](const procfs::Status& status) { return status.effective_user; });
}

const Result<std::string_view>& Candidate::Cgroup() {
  if (!cgroup_) cgroup_ = process_.ReadCgroup(buffers_.cgroup);
  return *cgroup_;
}

}  // namespace resource_attribution::discovery
