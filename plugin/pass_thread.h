#ifndef RESOURCE_ATTRIBUTION_PLUGIN_PASS_THREAD_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_PASS_THREAD_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace resource_attribution {

/// Waits for passes in a thread of its own, because collectd waits for its
/// reader threads when it shuts down, and a pass may be late.
class PassThread {
 public:
  /// `pass` throws nothing.
  explicit PassThread(std::function<void()> pass);

  /// Waits for the pass that is under way.
  ~PassThread();

  /// Begins a pass, unless the last one is still under way. Returns when it is
  /// over, or after `patience`.
  void Run(std::chrono::milliseconds patience);

 private:
  enum class State { kIdle, kAsked, kStopping };

  void Loop();

  const std::function<void()> pass_;
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kIdle;
  std::thread thread_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_PASS_THREAD_H_
