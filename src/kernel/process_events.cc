#include "kernel/process_events.h"

#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "kernel/netlink_messages.h"

namespace resource_attribution::kernel {
namespace {

using procfs::Failed;
using procfs::Result;

constexpr const char* kSource = "process events";

// The acknowledgement number of a request; the kernel's answer has it plus one.
// All subscribers get all answers, and no other socket has this port.
uint32_t Acknowledgement(const mnl_socket* socket) {
  return mnl_socket_get_portid(socket);
}

// The kernel's constants: its headers have them inside of proc_event up to 6.5,
// and outside of it later.
constexpr uint32_t kAnswer = 0;
constexpr uint32_t kFork = 0x1;
constexpr uint32_t kExec = 0x2;
constexpr uint32_t kUser = 0x4;
constexpr uint32_t kName = 0x200;

// Offsets of an event and its fields in a message. An exec has its fields at
// the same offsets as a change of user or name.
constexpr size_t kEvent = NLMSG_HDRLEN + sizeof(cn_msg);
constexpr size_t kWhat = kEvent + offsetof(proc_event, what);
constexpr size_t kProcess =
    kEvent + offsetof(proc_event, event_data.exec.process_pid);
constexpr size_t kProcessGroup =
    kEvent + offsetof(proc_event, event_data.exec.process_tgid);
constexpr size_t kChild =
    kEvent + offsetof(proc_event, event_data.fork.child_pid);
constexpr size_t kChildGroup =
    kEvent + offsetof(proc_event, event_data.fork.child_tgid);

// Loads a word of the message. BPF reads it as big-endian.
sock_filter Load(size_t offset) {
  return Statement(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}

// Skips `skipped` statements if the loaded word is `value`.
sock_filter SkipIf(uint32_t value, uint8_t skipped) {
  return {.code = BPF_JMP | BPF_JEQ | BPF_K,
          .jt = skipped,
          .jf = 0,
          .k = htonl(value)};
}

// Passes the answer to a request and the wanted events, but not events of
// threads, whose ID differs from that of their thread group.
std::array<sock_filter, 17> Filter() {
  const auto keep_in_x = Statement(BPF_MISC | BPF_TAX, 0);
  const auto drop = Statement(BPF_RET | BPF_K, 0);
  const auto pass = Statement(BPF_RET | BPF_K, UINT32_MAX);
  return {
      Load(kWhat),
      SkipIf(kExec, 14),    // to `pass`
      SkipIf(kAnswer, 13),  // to `pass`
      SkipIf(kFork, 3),
      SkipIf(kUser, 6),
      SkipIf(kName, 5),
      drop,
      Load(kChild),
      keep_in_x,
      Load(kChildGroup),
      Statement(BPF_JMP | BPF_JA, 3),  // to the comparison
      Load(kProcess),
      keep_in_x,
      Load(kProcessGroup),
      {.code = BPF_JMP | BPF_JEQ | BPF_X, .jt = 1, .jf = 0, .k = 0},
      drop,
      pass,
  };
}

template <typename Field>
Field At(const nlmsghdr& message, size_t offset) {
  Field field{};
  std::memcpy(&field, reinterpret_cast<const char*>(&message) + offset,
              sizeof(field));
  return field;
}

bool IsProcessEvent(const nlmsghdr& message) {
  if (message.nlmsg_len < kEvent + sizeof(proc_event)) return false;
  const auto header = At<cn_msg>(message, NLMSG_HDRLEN);
  return header.id.idx == CN_IDX_PROC && header.id.val == CN_VAL_PROC;
}

// Calls `take` with each event in a datagram.
void ForEachEvent(std::span<const char> datagram, auto take) {
  kernel::ForEachMessage(datagram, [&take](const nlmsghdr& message) {
    if (IsProcessEvent(message)) take(message);
  });
}

// Calls `take` with the next datagram. False when none is waiting.
Result<bool> Receive(const mnl_socket* socket, auto take) {
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  const ssize_t size =
      mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return errno == EINTR;
    return Failed(kSource);
  }
  take(std::span<const char>(buffer.data(), static_cast<size_t>(size)));
  return true;
}

// How many datagrams one system call takes. More would make a pass without
// events write more memory. An event is less than 100 bytes.
constexpr size_t kBatch = 16;
constexpr size_t kEventMax = 256;

bool Request(const mnl_socket* socket, proc_cn_mcast_op operation) {
  alignas(nlmsghdr) std::array<char, 128> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = NLMSG_DONE;
  auto* header = static_cast<cn_msg*>(
      mnl_nlmsg_put_extra_header(message, sizeof(cn_msg) + sizeof(operation)));
  header->id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC};
  header->ack = Acknowledgement(socket);
  header->len = sizeof(operation);
  std::memcpy(header + 1, &operation, sizeof(operation));
  return mnl_socket_sendto(socket, message, message->nlmsg_len) >= 0;
}

// The kernel's answer to the request: an errno, or 0; none if there is no
// answer. All versions since 3.1 answer at once.
Result<std::optional<uint32_t>> Answer(const mnl_socket* socket) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  std::optional<uint32_t> answer;
  while (!answer && std::chrono::steady_clock::now() < end) {
    pollfd ready{
        .fd = mnl_socket_get_fd(socket), .events = POLLIN, .revents = 0};
    const int is_ready = poll(&ready, 1, 1000);
    if (is_ready == 0) break;
    if (is_ready < 0 && errno != EINTR) return Failed(kSource);
    const auto received = Receive(socket, [&](auto datagram) {
      ForEachEvent(datagram, [&](const nlmsghdr& message) {
        if (At<uint32_t>(message, kWhat) == kAnswer &&
            At<cn_msg>(message, NLMSG_HDRLEN).ack ==
                Acknowledgement(socket) + 1) {
          answer = At<uint32_t>(
              message, kEvent + offsetof(proc_event, event_data.ack.err));
        }
      });
    });
    if (!received) return tl::unexpected(received.error());
  }
  return answer;
}

}  // namespace

void AddNamedProcesses(std::span<const char> datagram,
                       std::vector<pid_t>& pids) {
  ForEachEvent(datagram, [&pids](const nlmsghdr& message) {
    const auto what = At<uint32_t>(message, kWhat);
    pid_t pid = 0;
    if (what == kFork) pid = At<pid_t>(message, kChild);
    if (what == kExec || what == kUser || what == kName) {
      pid = At<pid_t>(message, kProcess);
    }
    // 0: the answer to a request of another subscriber.
    if (pid > 0) pids.push_back(pid);
  });
}

void ProcessEvents::Unsubscribe::operator()(mnl_socket* socket) const {
  Request(socket, PROC_CN_MCAST_IGNORE);
  mnl_socket_close(socket);
}

Result<ProcessEvents> ProcessEvents::Subscribe(int receive_buffer) {
  mnl_socket* socket =
      mnl_socket_open2(NETLINK_CONNECTOR, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket == nullptr) return Failed(kSource);
  ProcessEvents events(socket);
  auto filter = Filter();
  // The kernel chooses the port: another plugin may use the port with the
  // number of the process.
  if (!SetUp(socket, filter, receive_buffer) ||
      mnl_socket_bind(socket, CN_IDX_PROC, MNL_SOCKET_AUTOPID) != 0 ||
      !Request(socket, PROC_CN_MCAST_LISTEN)) {
    return Failed(kSource);
  }
  const auto answer = Answer(socket);
  if (!answer) return tl::unexpected(answer.error());
  if (!*answer) {
    return procfs::Invalid(
        kSource,
        "an answer, which the kernel gives in the initial PID "
        "and user namespaces only");
  }
  errno = static_cast<int>(**answer);
  if (errno != 0) return Failed(kSource);
  return events;
}

// After a loss the events that wait are of no use, because all processes are
// looked at. They are taken nevertheless: the kernel tells of further losses
// only when the buffer was empty in between (netlink_overrun in af_netlink.c).
bool ProcessEvents::Drain(std::vector<pid_t>& pids) {
  bool complete = !lost_some_;
  for (size_t taken = 0; taken < kEventsMax;) {
    const auto received = ReceiveBatch<kBatch, kEventMax>(
        socket_.get(), kSource, [&](auto datagram) {
          if (complete) AddNamedProcesses(datagram, pids);
        });
    if (received && *received == 0) {
      lost_some_ = false;
      return complete;
    }
    if (received) {
      taken += *received;
    } else if (received.error().system_error == ENOBUFS) {
      complete = false;
      lost_some_ = true;
      ++taken;
    } else if (received.error().system_error == EINTR) {
      ++taken;
    } else {
      return false;
    }
  }
  return false;
}

}  // namespace resource_attribution::kernel
