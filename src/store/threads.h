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

  /// In which reading of the process it was read last, counted from 1; 0 if
  /// never.
  uint64_t reading = 0;
};

/// The threads of a process, as of their last reading.
struct Threads {
  uint64_t readings = 0;
  procfs::Instant read_begun{};
  std::chrono::steady_clock::time_point read_ended{};
  std::optional<procfs::Instant> read_before{};  ///< when that began

  /// In some reading up to the last, or up to the one before, there was no
  /// thread that had not been looked at. New ones do not change that.
  bool complete = false;
  bool complete_before = false;

  /// The groups to which a thread of this process has ever belonged.
  ThreadGroups groups_seen = 0;

  /// Sorted by ID. Threads that belong to a group were read just now.
  std::vector<Thread> threads{};

  /// How many threads the last list had, if it had those that were known from
  /// the reading before. Otherwise 0, and the next reading lists them again.
  size_t listed = 0;

  pid_t newest = 0;  ///< that had started last, of that list

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
/// therefore looks at the threads of no group again and again. Of a process
/// that has at most `others_a_pass` threads it looks at all in each pass. Of a
/// larger one it looks at that many: new threads first, and at most half as
/// many old ones, in turn. That bounds the cost of a process with thousands.
class ThreadReader {
 public:
  static constexpr size_t kOthersAPass = 512;

  explicit ThreadReader(size_t others_a_pass = kOthersAPass)
      : others_a_pass_(others_a_pass) {}

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

  bool HasListed(const procfs::Process& process, const Threads& known);
  procfs::Result<void> List(const procfs::Process& process,
                            const Threads& known);
  void Merge(const std::vector<Thread>& known);
  procfs::Result<void> ReadMembers(const Reading& reading);
  procfs::Result<void> LookAtOthers(const Reading& reading,
                                    pid_t& last_looked_at);
  procfs::Result<void> ReadThread(const Reading& reading, Thread& thread);
  procfs::Result<void> CheckLeader(const procfs::Process& process,
                                   const procfs::ProcessId& id);

  const size_t others_a_pass_;

  // What Threads::listed and newest will be if Read succeeds.
  size_t listed_ = 0;
  pid_t newest_ = 0;

  // The state of the current Read; kept for its memory.
  std::vector<pid_t> tids_;
  std::vector<Thread> next_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::store

#endif  // RESOURCE_ATTRIBUTION_STORE_THREADS_H_
