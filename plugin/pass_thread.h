#ifndef RESOURCE_ATTRIBUTION_PLUGIN_PASS_THREAD_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_PASS_THREAD_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace resource_attribution {

/// Waits for late passes in a thread of its own, because collectd waits for its
/// reader threads when it shuts down. At any time either that thread or the
/// caller of Run makes a pass.
class PassThread {
 public:
  /// `try_pass` takes no more than a moment, and returns whether the pass is
  /// over. If not, `pass` ends it, in the thread. Both throw nothing.
  PassThread(std::function<bool()> try_pass, std::function<void()> pass);

  /// Waits for the pass that is under way.
  ~PassThread();

  /// Begins a pass, unless the last one is still under way. Returns when it is
  /// over, or after `patience`.
  void Run(std::chrono::milliseconds patience);

 private:
  enum class State { kIdle, kAsked, kStopping };

  void Loop();

  const std::function<bool()> try_pass_;
  const std::function<void()> pass_;
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kIdle;
  std::thread thread_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_PASS_THREAD_H_
