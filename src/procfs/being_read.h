#ifndef RESOURCE_ATTRIBUTION_PROCFS_BEING_READ_H_
#define RESOURCE_ATTRIBUTION_PROCFS_BEING_READ_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>

namespace resource_attribution::procfs {

/// Which file is being read: a note in memory that another process maps. A read
/// of /proc/PID waits for as long as that process holds its `mmap_lock` or
/// `exec_update_lock` (fs/proc, kernel/fork.c, mm_access), and a file of a FUSE
/// file system for as long as its server likes. Such a read has no deadline;
/// the daemon, which waits for the reader, learns from the note why.
struct BeingRead {
  std::atomic<uint64_t> begun;  ///< how many reads began

  /// The signal by which this process is about to end; 0: none that it could
  /// note.
  std::atomic<int> fatal_signal;

  /// The process whose file it is; 0: the file is that of no process, or
  /// nothing is being read.
  std::atomic<pid_t> process;

  /// The file for people; empty: nothing is being read. Ends with a NUL. Large
  /// enough for any path.
  std::array<char, PATH_MAX> file;
};

/// Takes notes in `note` from now on. It must outlive all reads.
void TakeNotesIn(BeingRead& note);

/// Notes that a file is being read, as long as it lives. Not thread-safe.
class Reading {
 public:
  explicit Reading(const char* file) : Reading(0, file) {}
  Reading(pid_t process, const char* file);
  ~Reading();

  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_BEING_READ_H_
