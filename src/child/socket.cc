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

constexpr size_t kFirstReply = size_t{16} << 10;

bool ReceiveAll(int socket, char* to, size_t size) {
  while (size > 0) {
    const ssize_t got = recv(socket, to, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool SendAll(int socket, iovec* parts, size_t count) {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = count;
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

}  // namespace

bool Send(int socket, std::span<const char> message) {
  Size size = message.size();
  iovec parts[] = {{&size, sizeof(size)},
                   {const_cast<char*>(message.data()), message.size()}};
  return SendAll(socket, parts, std::size(parts));
}

bool Receive(int socket, Bytes& message) {
  Size size = 0;
  if (!ReceiveAll(socket, reinterpret_cast<char*>(&size), sizeof(size)) ||
      size > kMessageMax) {
    return false;
  }
  message.resize(size);
  return ReceiveAll(socket, message.data(), size);
}

void Conversation::Begin(int socket, int interrupt) {
  socket_ = socket;
  interrupt_ = interrupt;
  if (reply_.empty()) reply_.resize(kFirstReply);
}

Wait Conversation::Ask(std::span<const char> request, TimePoint deadline) {
  const Size size = request.size();
  const auto* header = reinterpret_cast<const char*>(&size);
  request_.assign(header, header + sizeof(size));
  request_.insert(request_.end(), request.begin(), request.end());
  sent_ = 0;
  received_ = 0;
  return GoOn(deadline);
}

Wait Conversation::GoOn(TimePoint deadline) {
  const Wait sent = SendRest(deadline);
  return sent == Wait::kDone ? ReceiveRest(deadline) : sent;
}

std::span<const char> Conversation::reply() const {
  return std::span(reply_).subspan(sizeof(Size), received_ - sizeof(Size));
}

std::span<const char> Conversation::KeepReply() {
  std::swap(kept_, reply_);
  if (reply_.empty()) reply_.resize(kFirstReply);
  return std::span(kept_).subspan(sizeof(Size), received_ - sizeof(Size));
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

// A reply of usual size comes whole in one call.
Wait Conversation::ReceiveRest(TimePoint deadline) {
  while (true) {
    Size size = 0;
    if (received_ >= sizeof(size)) {
      std::memcpy(&size, reply_.data(), sizeof(size));
      if (size > kMessageMax) return Wait::kEnded;
      const size_t whole = sizeof(size) + size;
      // The child says nothing without being asked.
      if (received_ > whole) return Wait::kEnded;
      if (received_ == whole) return Wait::kDone;
      if (reply_.size() < whole) reply_.resize(whole);
    }
    const Wait wait = WaitFor(POLLIN, deadline);
    if (wait != Wait::kDone) return wait;
    const ssize_t got = recv(socket_, reply_.data() + received_,
                             reply_.size() - received_, MSG_DONTWAIT);
    if (got > 0) {
      received_ += static_cast<size_t>(got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Wait::kEnded;
    }
  }
}

}  // namespace resource_attribution::child
