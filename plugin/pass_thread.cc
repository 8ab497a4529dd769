#include "pass_thread.h"

#include <pthread.h>

#include <utility>

namespace resource_attribution {

PassThread::PassThread(std::function<bool()> try_pass,
                       std::function<void()> pass)
    : try_pass_(std::move(try_pass)),
      pass_(std::move(pass)),
      thread_([this] { Loop(); }) {}

PassThread::~PassThread() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kStopping;
  }
  changed_.notify_all();
  thread_.join();
}

void PassThread::Run(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kIdle || try_pass_()) return;
  state_ = State::kAsked;
  changed_.notify_all();
  changed_.wait_for(lock, patience, [this] { return state_ != State::kAsked; });
}

void PassThread::Loop() {
  pthread_setname_np(pthread_self(), "resource_attrib");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return state_ != State::kIdle; });
    if (state_ == State::kStopping) return;
    lock.unlock();
    pass_();
    lock.lock();
    if (state_ == State::kStopping) return;
    state_ = State::kIdle;
    changed_.notify_all();
  }
}

}  // namespace resource_attribution
