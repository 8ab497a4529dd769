#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "procfs/process.h"
#include "store/record.h"

namespace resource_attribution::discovery {

/// A process that may belong to some blocks. Each fact about it is read when
/// the first block asks for it and at most once; of a process that is watched
/// most are there already. Not thread-safe.
class Candidate {
 public:
  /// Memory for the facts, kept from one candidate to the next.
  struct Buffers {
    procfs::Buffer comm, cmdline, exe, stat, status, cgroup;
  };

  /// All have to outlive the candidate; one candidate uses `buffers` at a time.
  /// `watched` is null or was read in this pass.
  Candidate(const procfs::Process& process, Buffers& buffers,
            const store::Record* watched = nullptr)
      : process_(process), buffers_(buffers), watched_(watched) {}

  pid_t pid() const { return process_.pid(); }

  const procfs::Result<std::string_view>& Comm();
  const procfs::Result<procfs::Cmdline>& Cmdline();
  const procfs::Result<std::string_view>& Exe();
  procfs::Result<pid_t> Parent();
  procfs::Result<bool> IsKernelThread();
  /// None where `status` does not say.
  procfs::Result<std::optional<uid_t>> EffectiveUser();
  const procfs::Result<std::string_view>& Cgroup();

  /// Whoever listed the process knows its cgroup.
  void SetCgroup(std::string_view path) { cgroup_ = path; }

 private:
  procfs::Result<procfs::Stat> Stat();

  const procfs::Process& process_;
  Buffers& buffers_;
  const store::Record* watched_;
  std::optional<procfs::Result<std::string_view>> comm_;
  std::optional<procfs::Result<procfs::Cmdline>> cmdline_;
  std::optional<procfs::Result<std::string_view>> exe_;
  std::optional<procfs::Result<procfs::Stat>> stat_;
  std::optional<procfs::Result<procfs::Status>> status_;
  std::optional<procfs::Result<std::string_view>> cgroup_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_
