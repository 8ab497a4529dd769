#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "procfs/process.h"

namespace resource_attribution::discovery {

/// A process that may belong to some blocks. Each fact about it is read when
/// the first block asks for it and at most once. Not thread-safe.
class Candidate {
 public:
  /// Memory for the facts, kept from one candidate to the next.
  struct Buffers {
    std::string comm, cmdline, exe, status;
  };

  /// Both have to outlive the candidate; one candidate uses `buffers` at a
  /// time.
  Candidate(const procfs::Process& process, Buffers& buffers)
      : process_(process), buffers_(buffers) {}

  pid_t pid() const { return process_.pid(); }
  const procfs::Process& process() const { return process_; }

  const procfs::Result<std::string_view>& Comm();
  const procfs::Result<procfs::Cmdline>& Cmdline();
  const procfs::Result<std::string_view>& Exe();
  const procfs::Result<procfs::Status>& Status();

 private:
  const procfs::Process& process_;
  Buffers& buffers_;
  std::optional<procfs::Result<std::string_view>> comm_;
  std::optional<procfs::Result<procfs::Cmdline>> cmdline_;
  std::optional<procfs::Result<std::string_view>> exe_;
  std::optional<procfs::Result<procfs::Status>> status_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_
