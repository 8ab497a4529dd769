#ifndef RESOURCE_ATTRIBUTION_CHILD_SERVER_H_
#define RESOURCE_ATTRIBUTION_CHILD_SERVER_H_

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "child/messages.h"
#include "sampler/sampler.h"

namespace resource_attribution::child {

/// The child's side: does what the daemon asks. Not thread-safe.
class Server {
 public:
  /// Gives up the privileges that this configuration does not need, and returns
  /// why it could not; empty if it could.
  using Confine = std::function<std::string(const Config& config)>;

  /// `daemon` is the process for which Self stands. `confine` may be empty.
  explicit Server(procfs::Daemon daemon, Confine confine = {});

  /// The reply, which is valid until the next request.
  std::span<const char> Answer(std::span<const char> request);

 private:
  void AnswerOrThrow(std::span<const char> request, Bytes& reply);
  void Begin(const Assignment& assignment, Bytes& reply);
  void Pass(procfs::PassedOver passed_over, Bytes& reply);

  const procfs::Daemon daemon_;
  const Confine confine_;
  std::unique_ptr<Sampler> sampler_;
  PassReport report_;
  Bytes reply_;
};

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_SERVER_H_
