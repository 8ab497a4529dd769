#include "child/socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

namespace resource_attribution::child {
namespace {

using Size = uint64_t;

// A message of usual size comes whole in one call.
constexpr size_t kUsual = size_t{16} << 10;

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

void Conversation::Begin(int socket, int interrupt) {
  socket_ = socket;
  interrupt_ = interrupt;
}

Wait Conversation::Ask(std::span<const char> request, TimePoint deadline) {
  const Size size = request.size();
  const auto* header = reinterpret_cast<const char*>(&size);
  request_.assign(header, header + sizeof(size));
  request_.insert(request_.end(), request.begin(), request.end());
  sent_ = 0;
  reply_.Clear();
  return GoOn(deadline);
}

Wait Conversation::GoOn(TimePoint deadline) {
  const Wait sent = SendRest(deadline);
  return sent == Wait::kDone ? ReceiveRest(deadline) : sent;
}

std::span<const char> Conversation::reply() const { return reply_.message(); }

std::span<const char> Conversation::KeepReply() {
  std::swap(kept_, reply_);
  return kept_.message();
}

Wait Conversation::WaitFor(int16_t events, TimePoint deadline) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> polled{pollfd{socket_, events, 0},
                                 pollfd{interrupt_, POLLIN, 0}};
    const int ready =
        poll(polled.data(), polled.size(),
             static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Wait::kEnded;
    if (polled[1].revents != 0) return Wait::kInterrupted;
    return ready == 0 ? Wait::kLate : Wait::kDone;
  }
}

Wait Conversation::SendRest(TimePoint deadline) {
  while (sent_ < request_.size()) {
    const ssize_t sent =
        send(socket_, request_.data() + sent_, request_.size() - sent_,
             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      const Wait wait = WaitFor(POLLOUT, deadline);
      if (wait != Wait::kDone) return wait;
    } else if (errno != EINTR) {
      return Wait::kEnded;
    }
  }
  return Wait::kDone;
}

Wait Conversation::ReceiveRest(TimePoint deadline) {
  while (!reply_.IsWhole()) {
    const auto room = reply_.Room();
    const Wait wait = WaitFor(POLLIN, deadline);
    if (wait != Wait::kDone) return wait;
    const ssize_t got = recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0 || !reply_.Add(static_cast<size_t>(got))) return Wait::kEnded;
  }
  return Wait::kDone;
}

}  // namespace resource_attribution::child
