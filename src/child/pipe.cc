#include "child/pipe.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace resource_attribution::child {
namespace {

using Size = uint64_t;

// A message of usual size comes whole in one call.
constexpr size_t kUsual = size_t{16} << 10;

// How long the daemon waits at a time.
constexpr std::chrono::milliseconds kMoment{50};

// Waits until one of these is ready. Returns false if none is in time.
bool AwaitOne(std::span<pollfd> polled,
              std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left <= milliseconds::zero()) return false;
    const int ready =
        poll(polled.data(), polled.size(), static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

bool Send(int pipe, std::span<const char> bytes) {
  Size size = bytes.size();
  std::array parts{iovec{&size, sizeof(size)},
                   iovec{const_cast<char*>(bytes.data()), bytes.size()}};
  std::span<iovec> rest(parts);
  while (!rest.empty()) {
    ssize_t sent = writev(pipe, rest.data(), static_cast<int>(rest.size()));
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    while (!rest.empty()) {
      iovec& part = rest.front();
      const size_t taken = std::min(part.iov_len, static_cast<size_t>(sent));
      part.iov_base = static_cast<char*>(part.iov_base) + taken;
      part.iov_len -= taken;
      sent -= static_cast<ssize_t>(taken);
      if (part.iov_len > 0) break;
      rest = rest.subspan(1);
    }
  }
  return true;
}

// With its size; that of the size alone as long as it is not known.
size_t Incoming::Whole() const {
  Size size = 0;
  if (received_ >= sizeof(size)) {
    std::memcpy(&size, bytes_.data(), sizeof(size));
  }
  return sizeof(size) + size;
}

std::span<char> Incoming::Room() {
  bytes_.resize(std::max({bytes_.size(), kUsual, Whole()}));
  return std::span(bytes_).subspan(received_);
}

bool Incoming::Add(size_t count) {
  received_ += count;
  return Whole() <= sizeof(Size) + kMessageMax &&
         (received_ < sizeof(Size) || received_ <= Whole());
}

std::span<const char> Incoming::message() const {
  return std::span(bytes_).subspan(sizeof(Size), received_ - sizeof(Size));
}

bool Receive(int pipe, Incoming& message) {
  message.Clear();
  while (!message.IsWhole()) {
    const auto room = message.Room();
    const ssize_t got = read(pipe, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || !message.Add(static_cast<size_t>(got))) return false;
  }
  return true;
}

void Conversation::Begin(int requests, int replies) {
  requests_ = requests;
  replies_ = replies;
}

Wait Conversation::Ask(std::span<const char> request) {
  const Size size = request.size();
  const auto* header = reinterpret_cast<const char*>(&size);
  request_.assign(header, header + sizeof(size));
  request_.insert(request_.end(), request.begin(), request.end());
  sent_ = 0;
  reply_.Clear();
  return GoOn();
}

Wait Conversation::GoOn() {
  const auto deadline = std::chrono::steady_clock::now() + kMoment;
  const Wait sent = SendRest(deadline);
  return sent == Wait::kDone ? ReceiveRest(deadline) : sent;
}

std::span<const char> Conversation::reply() const { return reply_.message(); }

std::span<const char> Conversation::KeepReply() {
  std::swap(kept_, reply_);
  return kept_.message();
}

Wait Conversation::SendRest(TimePoint deadline) {
  while (sent_ < request_.size()) {
    const ssize_t sent =
        write(requests_, request_.data() + sent_, request_.size() - sent_);
    if (sent >= 0) {
      sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      std::array polled{pollfd{requests_, POLLOUT, 0},
                        pollfd{replies_, POLLIN, 0}};
      if (!AwaitOne(polled, deadline)) return Wait::kLate;
      // It has ended, or replies to what it has not received.
      if (polled[1].revents != 0) return Wait::kEnded;
    } else if (errno != EINTR) {
      return Wait::kEnded;
    }
  }
  return Wait::kDone;
}

Wait Conversation::ReceiveRest(TimePoint deadline) {
  while (!reply_.IsWhole()) {
    pollfd polled{replies_, POLLIN, 0};
    if (!AwaitOne({&polled, 1}, deadline)) return Wait::kLate;
    const auto room = reply_.Room();
    const ssize_t got = read(replies_, room.data(), room.size());
    // Another reader of the pipe, which proc_pid_fd(5) opens, may be first.
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0 || !reply_.Add(static_cast<size_t>(got))) return Wait::kEnded;
  }
  return Wait::kDone;
}

}  // namespace resource_attribution::child
