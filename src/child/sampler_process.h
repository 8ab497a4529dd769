#ifndef RESOURCE_ATTRIBUTION_CHILD_SAMPLER_PROCESS_H_
#define RESOURCE_ATTRIBUTION_CHILD_SAMPLER_PROCESS_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "child/pipe.h"
#include "procfs/being_read.h"
#include "procfs/file.h"

namespace resource_attribution::child {

/// The child of the daemon that makes the passes, as the daemon sees it. Needs
/// Linux 5.4 for file descriptors of processes (pidfd_open(2), waitid(2) with
/// P_PIDFD): other plugins of collectd may wait for any child of the daemon, so
/// that a PID might already be that of another process.
///
/// Not thread-safe, except Interrupt.
class SamplerProcess {
 public:
  /// `program` is the path of the executable.
  explicit SamplerProcess(std::string program);
  ~SamplerProcess();

  SamplerProcess(const SamplerProcess&) = delete;
  SamplerProcess& operator=(const SamplerProcess&) = delete;

  /// Starts a process in place of one that was ended. Returns why it could not;
  /// empty if it could.
  std::string Start();

  bool IsRunning() const;

  /// Sends a request and waits a moment for the reply.
  Wait Ask(std::span<const char> request);

  /// Goes on with the request that was late.
  Wait GoOn();

  /// The last reply, valid until the next request.
  std::span<const char> reply() const;

  /// The last reply, valid until this is called again.
  std::span<const char> KeepReply();

  /// What it is reading. A copy: the process goes on.
  struct Note {
    uint64_t begun = 0;  ///< how many reads have begun
    pid_t process = 0;
    std::string file;
    int fatal_signal = 0;
  };
  Note BeingRead() const;

  enum class State {
    kWaits,    ///< in the kernel
    kRuns,     ///< or would, if it had a CPU
    kStopped,  ///< by a signal or a tracer
  };
  State GetState() const;

  /// Closes the pipes, upon which it ends by itself, waits so long for that,
  /// and kills it if it has not ended. Waits no longer than a moment for the
  /// end of a process that was killed.
  void End(std::chrono::milliseconds patience = {});

  /// From now on what is late is interrupted. From any thread.
  void Interrupt() { interrupted_ = true; }

 private:
  struct UnmapNote {
    void operator()(procfs::BeingRead* note) const;
  };

  std::string Spawn(int requests, int note, int replies);
  Wait OrInterrupted(Wait wait) const;

  const std::string program_;
  std::atomic<bool> interrupted_ = false;
  procfs::FileDescriptor requests_{-1};
  procfs::FileDescriptor replies_{-1};
  // The end of the child. As long as the daemon has it open, too, a request to
  // a child that has ended raises no SIGPIPE. collectd ignores it, but another
  // plugin may have changed that.
  procfs::FileDescriptor requests_end_{-1};
  procfs::FileDescriptor process_{-1};  // a pidfd
  pid_t pid_ = 0;
  std::vector<procfs::FileDescriptor> ending_;  // killed, but not ended yet
  std::unique_ptr<procfs::BeingRead, UnmapNote> note_;
  Conversation conversation_;
};

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_SAMPLER_PROCESS_H_
