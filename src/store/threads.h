#ifndef RESOURCE_ATTRIBUTION_STORE_THREADS_H_
#define RESOURCE_ATTRIBUTION_STORE_THREADS_H_

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "procfs/instant.h"
#include "procfs/process.h"
#include "procfs/result.h"

namespace resource_attribution::store {

/// Which groups of threads a thread belongs to: bit i is set for group i.
using ThreadGroups = uint64_t;

/// A thread, as of its last reading.
struct Thread {
  pid_t tid = 0;
  bool looked_at = false;
  std::array<char, 16> comm{};  ///< its name, ended by a NUL
  ThreadGroups groups = 0;
  uint64_t start_time = 0;  ///< clock ticks since boot
  uint64_t cpu_ticks = 0;   ///< utime + stime, in clock ticks

  /// cpu_ticks at the previous reading of the process; none if the thread was
  /// not read then.
  std::optional<uint64_t> cpu_ticks_before{};

  uint64_t reading = 0;  ///< of the process, counted from 1
};

/// The threads of a process, as of their last reading.
struct Threads {
  uint64_t readings = 0;
  procfs::Instant read_begun{};
  std::chrono::steady_clock::time_point read_ended{};
  std::optional<procfs::Instant> read_before{};  ///< when that began

  /// Each thread was looked at, for this reading and for the one before.
  bool complete = false;
  bool complete_before = false;

  /// The groups to which a thread of this process has ever belonged.
  ThreadGroups groups_seen = 0;

  /// Sorted by ID. Threads that belong to a group were read just now.
  std::vector<Thread> threads{};

  size_t listed = 0;  ///< how many they were when they were listed
  pid_t newest = 0;   ///< of these the one that had started last

  pid_t last_looked_at = 0;  ///< of those that are looked at in turn
};

/// The threads of a process as one service groups them.
struct ServiceThreads {
  size_t service = 0;  ///< index into Config::services
  Threads threads{};
};

/// Finds the threads that belong to groups, by their names, and reads them. Not
/// thread-safe.
///
/// A thread can rename itself at any time, without an event. The reader
/// therefore looks at the other threads again and again: at all of a process
/// that has at most `kFew` threads, else at up to `kFew` new ones and then up
/// to `kInTurn` of the rest in a pass. That bounds the cost of a process with
/// thousands of threads.
class ThreadReader {
 public:
  static constexpr size_t kFew = 512;
  static constexpr size_t kInTurn = 128;

  /// Returns the groups that a thread of this name belongs to.
  using GroupsOf = std::function<ThreadGroups(std::string_view comm)>;

  /// Reads the threads of `process`, whose ID is `id`, into `threads`, which
  /// hold its last reading; `clock` gives the time. All or nothing: if it
  /// fails, nothing changes. The error is Gone() if the process has ended.
  procfs::Result<void> Read(const procfs::Process& process,
                            const procfs::ProcessId& id,
                            const procfs::Clock& clock,
                            const GroupsOf& groups_of, Threads& threads);

 private:
  // What one call of Read works on.
  struct Reading {
    const procfs::Process& process;
    const GroupsOf& groups_of;
    uint64_t number;
  };

  bool AreStill(const procfs::Process& process, const Threads& known);
  procfs::Result<void> List(const procfs::Process& process,
                            const Threads& known);
  void Merge(const std::vector<Thread>& known);
  procfs::Result<void> ReadMembers(const Reading& reading);
  procfs::Result<void> LookAtOthers(const Reading& reading,
                                    pid_t& last_looked_at);
  procfs::Result<void> ReadThread(const Reading& reading, Thread& thread);
  procfs::Result<void> CheckLeader(const procfs::Process& process,
                                   const procfs::ProcessId& id);

  // The state of the current Read; kept for its memory.
  std::vector<pid_t> tids_;
  std::vector<Thread> next_;
  size_t listed_ = 0;
  pid_t newest_ = 0;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::store

#endif  // RESOURCE_ATTRIBUTION_STORE_THREADS_H_
