#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_

#include <chrono>
#include <compare>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "discovery/candidate.h"
#include "discovery/selectors.h"
#include "discovery/user_ids.h"
#include "procfs/process.h"
#include "procfs/procfs.h"

namespace resource_attribution::discovery {

/// A process belongs to a block.
struct Match {
  procfs::ProcessId process;
  size_t block = 0;  ///< index into the blocks

  auto operator<=>(const Match&) const = default;
};

/// Finds the processes of all blocks, anew in every pass: candidates that a
/// block names by number (Self, PIDFile) are looked at directly, and one scan
/// of /proc serves all blocks that do not. Not thread-safe.
class Discovery {
 public:
  /// One element per block; they have to outlive this.
  explicit Discovery(const std::vector<const Selectors*>& blocks);

  /// Fills `matches`, sorted by process and then by block. Processes that have
  /// ended, zombies among them, match nothing. Fails only where the pass cannot
  /// tell who is running: /proc cannot be listed, or the daemon is out of
  /// descriptors or memory.
  procfs::Result<void> Find(const procfs::Procfs& proc,
                            std::chrono::steady_clock::time_point now,
                            std::vector<Match>& matches);

  /// What may have kept processes from being found for `block` in the last
  /// pass, for people; empty when nothing did. Holds no PID, so that a lasting
  /// problem reads the same in every pass.
  const std::string& Problem(size_t block) const {
    return blocks_[block].problem;
  }

 private:
  struct Block {
    const Selectors* selectors = nullptr;
    std::vector<pid_t> pids;  // of Self or else of PIDFile, this pass
    std::string problem;

    void Note(const procfs::Error& error, const char* remedy);
  };

  procfs::Result<void> ReadPids(const procfs::Procfs& proc, Block& block);
  procfs::Result<void> LookAt(const procfs::Procfs& proc, pid_t pid,
                              std::span<const size_t> blocks,
                              std::vector<Match>& matches);
  procfs::Result<void> NoteOrFail(const procfs::Error& error,
                                  std::span<const size_t> blocks);
  procfs::Result<bool> Matches(const Block& block, Candidate& candidate) const;

  std::vector<Block> blocks_;
  std::vector<size_t> scanning_blocks_;
  UserIds user_ids_;
  std::vector<pid_t> pids_;
  std::vector<size_t> matching_;
  std::string stat_;
  Candidate::Buffers buffers_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_
