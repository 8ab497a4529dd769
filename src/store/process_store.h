#ifndef RESOURCE_ATTRIBUTION_STORE_PROCESS_STORE_H_
#define RESOURCE_ATTRIBUTION_STORE_PROCESS_STORE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "procfs/instant.h"
#include "procfs/procfs.h"
#include "procfs/result.h"
#include "store/record.h"

namespace resource_attribution::store {

/// The records of all processes that match. Their files stay open from pass to
/// pass, as many as this process can spare. The store opens the files of the
/// others for each reading. Not thread-safe.
class ProcessStore {
 public:
  /// At most `max_open_files` descriptors are kept.
  ProcessStore(size_t max_open_files, procfs::Clock clock)
      : max_open_files_(max_open_files), clock_(std::move(clock)) {}

  /// Begins a pass, in which each process is read once. `proc` must outlive it.
  void BeginPass(const procfs::Procfs& proc);

  /// The pass began at `begun` and has measured CPU: from now on CPU is
  /// measured from its readings.
  void SetBaselines(const procfs::Instant& begun);

  /// When the pass began that CPU is measured from. None: there was none yet.
  const std::optional<procfs::Instant>& measured_from() const {
    return measured_from_;
  }

  /// Null when there is no record of a process with this PID.
  Record* Find(pid_t pid);
  const Record* Find(pid_t pid) const;

  /// Adds a process and reads it.
  procfs::Result<Record*> Watch(const procfs::Process& process);

  /// Reads `stat` and `status`, unless this pass has read them. The error is
  /// Gone() if the process has ended, even if it is a zombie or another process
  /// has its PID now.
  procfs::Result<void> Read(Record& record);

  void Forget(pid_t pid);

  /// Forgets the processes for which `is_unwanted` holds.
  void ForgetIf(auto is_unwanted) {
    for (auto entry = records_.begin(); entry != records_.end();) {
      const auto next = std::next(entry);
      if (is_unwanted(entry->second)) Forget(entry->first);
      entry = next;
    }
  }

  /// By PID, ascending.
  std::map<pid_t, Record>& records() { return records_; }

 private:
  procfs::Result<void> ReadFrom(const procfs::ProcessFiles& files,
                                Record& record);
  void CompareMemory(Record& record) const;
  procfs::Result<procfs::Status> ReadStatus(const procfs::ProcessFiles& files,
                                            const procfs::Stat& stat);

  const size_t max_open_files_;
  const procfs::Clock clock_;
  const procfs::Procfs* proc_ = nullptr;
  uint64_t pass_ = 0;
  std::optional<procfs::Instant> measured_from_;
  size_t open_files_ = 0;
  std::map<pid_t, Record> records_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::store

#endif  // RESOURCE_ATTRIBUTION_STORE_PROCESS_STORE_H_
