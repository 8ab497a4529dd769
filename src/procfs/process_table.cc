#include "procfs/process_table.h"

#include <cerrno>
#include <utility>

#include "procfs/address_space.h"

namespace resource_attribution::procfs {
namespace {

tl::unexpected<Error> Gone() {
  return tl::unexpected(Error{.file = "/proc/PID/stat", .system_error = ESRCH});
}

}  // namespace

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
  if (stat->Ended() || (is_known && id != process.id)) return Gone();
  process.id = id;
  process.stat = *stat;
  process.comm = stat->comm;
  process.stat.comm = process.comm;

  CompareMemory(process);
  const auto status = ReadStatus(files, process.stat);
  if (!status) return tl::unexpected(status.error());
  process.status = *status;
  process.stat_read = {begun, ended};
  process.pass = pass_;
  return {};
}

// Before the memory is read: an address space that is its own now stays so.
// A process that executed a program has one of its own, too. A worker that was
// forked and never executes anything is compared once, and again when its
// parent is another one.
void ProcessTable::CompareMemory(WatchedProcess& process) const {
  const Stat& stat = process.stat;
  if (!stat.NeverExecuted() || stat.KernelThread() || !proc_->HasOwnPids()) {
    process.shares_memory = false;
    process.compared_with = 0;
  } else if (process.shares_memory || process.compared_with != stat.parent) {
    process.shares_memory = ShareAddressSpace(stat.pid, stat.parent);
    process.compared_with = stat.parent;
  }
}

// A process shows no memory while its main thread ends, alone or with it; a
// thread that runs shows it then. Some kernels never do.
Result<Status> ProcessTable::ReadStatus(const ProcessFiles& files,
                                        const Stat& stat) {
  const auto status = files.ReadStatus(buffer_);
  if (!status || status->HasMemory() || stat.KernelThread()) return status;
  const auto of_thread = proc_->GlanceAt(stat.pid).ReadStatusOfThread(buffer_);
  // It is there until now, and so it was when the thread was read.
  const auto again = files.ReadStat(buffer_);
  if (!again) return tl::unexpected(again.error());
  if (of_thread || of_thread.error().OutOfResources()) return of_thread;
  return again->Ended() || again->Exiting() ? Gone() : status;
}

void ProcessTable::Forget(pid_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  if (found->second.files) open_files_ -= ProcessFiles::kDescriptors;
  processes_.erase(found);
}

}  // namespace resource_attribution::procfs
