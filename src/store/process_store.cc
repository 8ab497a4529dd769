#include "store/process_store.h"

#include <cerrno>
#include <utility>

#include "procfs/address_space.h"

namespace resource_attribution::store {
namespace {

using procfs::Error;
using procfs::Failed;
using procfs::Process;
using procfs::ProcessFiles;
using procfs::ProcessId;
using procfs::Procfs;
using procfs::Result;
using procfs::Stat;
using procfs::Status;

tl::unexpected<Error> Gone() { return Failed("/proc/PID/stat", ESRCH); }

}  // namespace

const Threads* Record::ThreadsOf(size_t service) const {
  for (const ServiceThreads& one : threads) {
    if (one.service == service) return &one.threads;
  }
  return nullptr;
}

void ProcessStore::BeginPass(const Procfs& proc) {
  proc_ = &proc;
  ++pass_;
}

void ProcessStore::SetBaselines(const procfs::Instant& begun) {
  for (auto& [pid, record] : records_) {
    if (record.pass != pass_) continue;
    record.baseline = {.ticks = record.CpuTicks(),
                       .read_begun = record.stat_read.begun};
  }
  measured_from_ = begun;
}

Record* ProcessStore::Find(pid_t pid) {
  const auto found = records_.find(pid);
  return found == records_.end() ? nullptr : &found->second;
}

const Record* ProcessStore::Find(pid_t pid) const {
  const auto found = records_.find(pid);
  return found == records_.end() ? nullptr : &found->second;
}

Result<Record*> ProcessStore::Watch(const Process& process) {
  auto files = ProcessFiles::Open(process);
  if (!files) return tl::unexpected(files.error());
  // A zombie that its parent does not collect comes here in each pass and must
  // cost no allocation: the record is made first, and added once it was read.
  Record candidate;
  if (const auto read = ReadFrom(*files, candidate); !read) {
    return tl::unexpected(read.error());
  }
  Forget(process.pid());
  Record& watched = records_[process.pid()] = std::move(candidate);
  watched.stat.comm = watched.comm;
  if (open_files_ + ProcessFiles::kDescriptors <= max_open_files_) {
    watched.files = std::move(*files);
    open_files_ += ProcessFiles::kDescriptors;
  }
  return &watched;
}

Result<void> ProcessStore::Read(Record& record) {
  if (record.pass == pass_) return {};
  if (record.files) return ReadFrom(*record.files, record);
  const auto files = ProcessFiles::Open(proc_->GlanceAt(record.id.pid));
  if (!files) return tl::unexpected(files.error());
  return ReadFrom(*files, record);
}

Result<void> ProcessStore::ReadFrom(const ProcessFiles& files, Record& record) {
  const auto begun = clock_().monotonic;
  const auto stat = files.ReadStat(buffer_);
  const auto ended = clock_().monotonic;
  if (!stat) return tl::unexpected(stat.error());
  const ProcessId id{stat->pid, stat->start_time};
  const bool is_known = record.pass != 0;
  if (stat->Ended() || (is_known && id != record.id)) return Gone();
  record.id = id;
  record.stat = *stat;
  record.comm = stat->comm;
  record.stat.comm = record.comm;

  CompareMemory(record);
  const auto status = ReadStatus(files, record.stat);
  if (!status) return tl::unexpected(status.error());
  record.status = *status;
  record.stat_read = {begun, ended};
  record.pass = pass_;
  return {};
}

// Called before the memory is read: a process that has its own address space
// now keeps it. A process that executed a program has its own as well. A forked
// worker that never executes a program is compared once, and again if it gets
// another parent.
void ProcessStore::CompareMemory(Record& record) const {
  const Stat& stat = record.stat;
  if (!stat.NeverExecuted() || stat.KernelThread() || !proc_->HasOwnPids()) {
    record.shares_memory = false;
    record.compared_with = 0;
  } else if (record.shares_memory || record.compared_with != stat.parent) {
    record.shares_memory = procfs::ShareAddressSpace(stat.pid, stat.parent);
    record.compared_with = stat.parent;
  }
}

// While its main thread ends, a process shows no memory there; a running thread
// shows it then. Some kernels never show memory.
Result<Status> ProcessStore::ReadStatus(const ProcessFiles& files,
                                        const Stat& stat) {
  const auto status = files.ReadStatus(buffer_);
  if (!status || status->HasMemory() || stat.KernelThread()) return status;
  const auto of_thread = proc_->GlanceAt(stat.pid).ReadStatusOfThread(buffer_);
  // The process still exists, so it did when the thread was read.
  const auto again = files.ReadStat(buffer_);
  if (!again) return tl::unexpected(again.error());
  if (of_thread || of_thread.error().OutOfResources()) return of_thread;
  return again->Ended() || again->Exiting() ? Gone() : status;
}

void ProcessStore::Forget(pid_t pid) {
  const auto found = records_.find(pid);
  if (found == records_.end()) return;
  if (found->second.files) open_files_ -= ProcessFiles::kDescriptors;
  records_.erase(found);
}

}  // namespace resource_attribution::store
