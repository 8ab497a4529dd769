#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROCESS_TABLE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROCESS_TABLE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "procfs/instant.h"
#include "procfs/process.h"
#include "procfs/procfs.h"
#include "procfs/result.h"

namespace resource_attribution::procfs {

/// A process that is watched, and what it said when it was read last.
struct WatchedProcess {
  ProcessId id{};
  std::optional<ProcessFiles> files{};  ///< none beyond the budget
  uint64_t pass = 0;                    ///< in which it was read
  ReadTime stat_read{};                 ///< when `stat` was
  std::string comm{};
  Stat stat{};  ///< its comm refers to the above
  Status status{};

  /// It has the address space of its parent, which has the same memory.
  bool shares_memory = false;
  pid_t compared_with = 0;  ///< the parent for which that was found
};

/// The processes that are watched. Their files stay open from pass to pass, as
/// many as the daemon can spare; those of the rest are opened for each reading.
/// Not thread-safe.
class ProcessTable {
 public:
  /// At most `max_open_files` descriptors are kept.
  ProcessTable(size_t max_open_files, Clock clock)
      : max_open_files_(max_open_files), clock_(std::move(clock)) {}

  /// Begins a pass, in which each process is read once. `proc` has to outlive
  /// it.
  void BeginPass(const Procfs& proc);

  /// Null when no process with this ID is watched.
  WatchedProcess* Find(pid_t pid);

  /// Adds a process and reads it.
  Result<WatchedProcess*> Watch(const Process& process);

  /// Reads `stat` and `status`, unless that was done in this pass. An error
  /// that is Gone() when the process has ended, zombies included, whoever has
  /// its PID now.
  Result<void> Read(WatchedProcess& process);

  void Forget(pid_t pid);

  /// Forgets the processes for which `is_unwanted` holds.
  void ForgetIf(auto is_unwanted) {
    for (auto entry = processes_.begin(); entry != processes_.end();) {
      const auto next = std::next(entry);
      if (is_unwanted(entry->second)) Forget(entry->first);
      entry = next;
    }
  }

  /// By PID, ascending.
  std::map<pid_t, WatchedProcess>& processes() { return processes_; }

  size_t open_files() const { return open_files_; }

 private:
  Result<void> ReadFrom(const ProcessFiles& files, WatchedProcess& process);
  void CompareMemory(WatchedProcess& process) const;
  Result<Status> ReadStatus(const ProcessFiles& files, const Stat& stat);

  const size_t max_open_files_;
  const Clock clock_;
  const Procfs* proc_ = nullptr;
  uint64_t pass_ = 0;
  size_t open_files_ = 0;
  std::map<pid_t, WatchedProcess> processes_;
  Buffer buffer_;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROCESS_TABLE_H_
