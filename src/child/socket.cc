#include "child/socket.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

namespace resource_attribution::child {
namespace {

using Size = uint64_t;

// A message of usual size comes whole in one call.
constexpr size_t kUsual = size_t{16} << 10;

// How long the daemon waits at a time.
constexpr std::chrono::microseconds kMoment{50'000};

}  // namespace

bool Send(int socket, std::span<const char> bytes) {
  Size size = bytes.size();
  iovec parts[] = {{&size, sizeof(size)},
                   {const_cast<char*>(bytes.data()), bytes.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = std::size(parts);
  while (message.msg_iovlen > 0) {
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    while (message.msg_iovlen > 0) {
      iovec& part = *message.msg_iov;
      const size_t taken = std::min(part.iov_len, static_cast<size_t>(sent));
      part.iov_base = static_cast<char*>(part.iov_base) + taken;
      part.iov_len -= taken;
      sent -= static_cast<ssize_t>(taken);
      if (part.iov_len > 0) break;
      ++message.msg_iov;
      --message.msg_iovlen;
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

bool Receive(int socket, Incoming& message) {
  message.Clear();
  while (!message.IsWhole()) {
    const auto room = message.Room();
    const ssize_t got = recv(socket, room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || !message.Add(static_cast<size_t>(got))) return false;
  }
  return true;
}

bool Conversation::Begin(int socket) {
  socket_ = socket;
  constexpr timeval kTimeout{.tv_sec = 0, .tv_usec = kMoment.count()};
  return setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kTimeout,
                    sizeof(kTimeout)) == 0 &&
         setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kTimeout,
                    sizeof(kTimeout)) == 0;
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
  const Wait sent = SendRest();
  return sent == Wait::kDone ? ReceiveRest() : sent;
}

std::span<const char> Conversation::reply() const { return reply_.message(); }

std::span<const char> Conversation::KeepReply() {
  std::swap(kept_, reply_);
  return kept_.message();
}

Wait Conversation::SendRest() {
  while (sent_ < request_.size()) {
    const ssize_t sent = send(socket_, request_.data() + sent_,
                              request_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN ? Wait::kLate : Wait::kEnded;
    sent_ += static_cast<size_t>(sent);
  }
  return Wait::kDone;
}

// Each piece that comes in time makes the kernel wait anew.
Wait Conversation::ReceiveRest() {
  const auto begun = std::chrono::steady_clock::now();
  while (!reply_.IsWhole()) {
    if (std::chrono::steady_clock::now() - begun >= kMoment) return Wait::kLate;
    const auto room = reply_.Room();
    const ssize_t got = recv(socket_, room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return Wait::kLate;
    if (got <= 0 || !reply_.Add(static_cast<size_t>(got))) return Wait::kEnded;
  }
  return Wait::kDone;
}

}  // namespace resource_attribution::child
