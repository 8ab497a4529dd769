#include "procfs/process_table.h"

#include <cerrno>
#include <utility>

namespace resource_attribution::procfs {

void ProcessTable::BeginPass(const Procfs& proc) {
  proc_ = &proc;
  ++pass_;
}

WatchedProcess* ProcessTable::Find(pid_t pid) {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

Result<WatchedProcess*> ProcessTable::Watch(const Process& process) {
  auto files = ProcessFiles::Open(process);
  if (!files) return tl::unexpected(files.error());
  // A zombie that nobody collects comes here in each pass and is to cost
  // nothing.
  WatchedProcess candidate;
  if (const auto read = ReadFrom(*files, candidate); !read) {
    return tl::unexpected(read.error());
  }
  Forget(process.pid());
  WatchedProcess& watched = processes_[process.pid()] = std::move(candidate);
  watched.stat.comm = watched.comm;
  if (open_files_ + ProcessFiles::kDescriptors <= max_open_files_) {
    watched.files = std::move(*files);
    open_files_ += ProcessFiles::kDescriptors;
  }
  return &watched;
}

Result<void> ProcessTable::Read(WatchedProcess& process) {
  if (process.pass == pass_) return {};
  if (process.files) return ReadFrom(*process.files, process);
  const auto files = ProcessFiles::Open(proc_->GlanceAt(process.id.pid));
  if (!files) return tl::unexpected(files.error());
  return ReadFrom(*files, process);
}

Result<void> ProcessTable::ReadFrom(const ProcessFiles& files,
                                    WatchedProcess& process) {
  const auto begun = clock_().monotonic;
  const auto stat = files.ReadStat(buffer_);
  const auto ended = clock_().monotonic;
  if (!stat) return tl::unexpected(stat.error());
  const ProcessId id{stat->pid, stat->start_time};
  const bool is_known = process.pass != 0;
  if (stat->Ended() || (is_known && id != process.id)) {
    return tl::unexpected(
        Error{.file = "/proc/PID/stat", .system_error = ESRCH});
  }
  process.id = id;
  process.stat = *stat;
  process.comm = stat->comm;
  process.stat.comm = process.comm;

  const auto status = files.ReadStatus(buffer_);
  if (!status) return tl::unexpected(status.error());
  process.status = *status;
  process.stat_read = {begun, ended};
  process.pass = pass_;
  return {};
}

void ProcessTable::Forget(pid_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  if (found->second.files) open_files_ -= ProcessFiles::kDescriptors;
  processes_.erase(found);
}

}  // namespace resource_attribution::procfs
