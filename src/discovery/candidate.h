#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_CANDIDATE_H_

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "procfs/process.h"
#include "store/record.h"

namespace resource_attribution::discovery {

/// A process that may belong to some blocks. It reads each fact when the first
/// block asks for it, and at most once. For a watched process most facts are
/// known already. Not thread-safe.
class Candidate {
 public:
  /// Memory for the facts, kept from one candidate to the next.
  struct Buffers {
    procfs::Buffer comm, cmdline, exe, stat, status, cgroup;
  };

  /// All arguments must outlive the candidate. Only one candidate at a time may
  /// use `buffers`. `watched` is null or was read in this pass.
  Candidate(const procfs::Process& process, Buffers& buffers,
            const store::Record* watched = nullptr)
      : process_(process), buffers_(buffers), watched_(watched) {}

  pid_t pid() const { return process_.pid(); }

  const procfs::Result<std::string_view>& Comm();
  const procfs::Result<procfs::Cmdline>& Cmdline();
  const procfs::Result<std::string_view>& Exe();
  procfs::Result<pid_t> Parent();
  procfs::Result<bool> IsKernelThread();
  /// None if `status` does not show it.
  procfs::Result<std::optional<uid_t>> EffectiveUser();
  const procfs::Result<std::string_view>& Cgroup();

  /// Sets the cgroup if a list of processes has shown it.
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
