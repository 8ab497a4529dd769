#ifndef RESOURCE_ATTRIBUTION_CHILD_PIPE_H_
#define RESOURCE_ATTRIBUTION_CHILD_PIPE_H_

#include <chrono>
#include <span>

#include "child/wire.h"

namespace resource_attribution::child {

// Messages over pipes, pipe(7): the size, then the bytes. One pipe takes the
// requests of the daemon, another the replies of the child. A pair of sockets
// would take half as much CPU again.

/// The descriptors of the child when it starts. Once it has mapped the note,
/// its standard output goes where its errors go.
inline constexpr int kRequests = 0;
inline constexpr int kNote = 1;
inline constexpr int kReplies = 3;

/// The largest message: 100,000 series take about 15 MiB.
inline constexpr size_t kMessageMax = size_t{16} << 20;

/// Writes a message. Returns whether it was written whole.
bool Send(int pipe, std::span<const char> bytes);

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
bool Receive(int pipe, Incoming& message);

enum class Wait {
  kDone,
  kEnded,  ///< the other side has closed its pipe, or sent no message
  kLate,   ///< not yet
  kInterrupted,
};

/// The side of the daemon, which waits for 50 ms at a time. Not thread-safe.
class Conversation {
 public:
  /// Begins anew with pipes that do not block.
  void Begin(int requests, int replies);

  /// Sends a request and waits for the reply.
  Wait Ask(std::span<const char> request);

  /// Goes on with the request that was late.
  Wait GoOn();

  /// The last reply, valid until the next request.
  std::span<const char> reply() const;

  /// The last reply, valid until this is called again.
  std::span<const char> KeepReply();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  Wait SendRest(TimePoint deadline);
  Wait ReceiveRest(TimePoint deadline);

  int requests_ = -1;
  int replies_ = -1;
  Bytes request_;
  size_t sent_ = 0;
  Incoming reply_;
  Incoming kept_;
};

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_PIPE_H_
