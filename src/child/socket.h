#ifndef RESOURCE_ATTRIBUTION_CHILD_SOCKET_H_
#define RESOURCE_ATTRIBUTION_CHILD_SOCKET_H_

#include <span>

#include "child/wire.h"

namespace resource_attribution::child {

// Messages over a stream socket, unix(7): the size, then the bytes.

/// The largest message: 100,000 series take about 15 MiB.
inline constexpr size_t kMessageMax = size_t{16} << 20;

/// Sends a message. Returns whether it was sent whole.
bool Send(int socket, std::span<const char> bytes);

/// A message that is being received. The other side sends no other until it is
/// answered, so that all bytes that come belong to it. Not thread-safe.
class Incoming {
 public:
  /// Forgets the message; the memory stays for the next.
  void Clear() { received_ = 0; }

  /// Where the next bytes go, as many as there is room for.
  std::span<char> Room();

  /// Bytes have come there. Returns whether they can belong to a message.
  bool Add(size_t count);

  bool IsWhole() const { return received_ > 0 && received_ == Whole(); }

  /// The message, if it is whole.
  std::span<const char> message() const;

 private:
  size_t Whole() const;

  Bytes bytes_;
  size_t received_ = 0;
};

/// Waits for a message. Returns whether it came whole.
bool Receive(int socket, Incoming& message);

enum class Wait {
  kDone,
  kEnded,  ///< the other side has closed the socket, or sent no message
  kLate,   ///< not yet
  kInterrupted,
};

/// The side of the daemon, which waits for 50 ms at a time. Not thread-safe.
class Conversation {
 public:
  /// Begins anew with a socket. Returns false, with errno set, if its timeouts
  /// cannot be set.
  bool Begin(int socket);

  /// Sends a request and waits for the reply.
  Wait Ask(std::span<const char> request);

  /// Goes on with the request that was late.
  Wait GoOn();

  /// The last reply, valid until the next request.
  std::span<const char> reply() const;

  /// The last reply, valid until this is called again.
  std::span<const char> KeepReply();

 private:
  Wait SendRest();
  Wait ReceiveRest();

  int socket_ = -1;
  Bytes request_;
  size_t sent_ = 0;
  Incoming reply_;
  Incoming kept_;
};

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_SOCKET_H_
