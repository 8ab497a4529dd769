#include "kernel/connect_events.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace resource_attribution::kernel {
namespace {

using procfs::Error;
using procfs::Failed;
using procfs::FileDescriptor;
using procfs::Result;
using std::chrono::nanoseconds;

constexpr const char* kSource = "tracepoints of sockets";
constexpr const char* kTracefs =
    "tracefs at /sys/kernel/tracing or /sys/kernel/debug/tracing";
constexpr const char* kCpus = "/sys/devices/system/cpu/online";

// TCP states by their number in the kernel (include/net/tcp_states.h).
constexpr uint32_t kSynSent = 2;
constexpr uint32_t kSynReceived = 3;
constexpr uint32_t kClosed = 7;

// Memory for the events of all CPUs together, and of one. An event takes about
// 100 bytes, a connection two events.
constexpr size_t kRingsSize = 1 << 20;
constexpr size_t kRingMin = 16 << 10;
constexpr size_t kRingMax = 256 << 10;

// The largest record that the kernel writes here. If less is free, an event may
// have been lost.
constexpr size_t kRecordMax = 512;

auto Unexpected(const char* expected) {
  return procfs::Invalid(kSource, expected);
}

std::optional<size_t> NumberAfter(std::string_view text, std::string_view key) {
  const size_t found = text.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  const char* begin = text.data() + found + key.size();
  size_t number = 0;
  const auto [end, error] =
      std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

// A line of a field: "	field:int oldstate;	offset:16;	size:4;
// signed:1;".
std::optional<SocketTracepoints::Field> FieldIn(std::string_view format,
                                                std::string_view name) {
  const std::string end = " " + std::string(name) + ";";
  const size_t found = format.find(end);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view rest = format.substr(found);
  const std::string_view line = rest.substr(0, rest.find('\n'));
  const auto offset = NumberAfter(line, "offset:");
  const auto size = NumberAfter(line, "size:");
  constexpr size_t kEventMax = 4096;
  if (!offset || !size || *offset > kEventMax || *size > sizeof(uint64_t)) {
    return std::nullopt;
  }
  return SocketTracepoints::Field{*offset, *size};
}

// What is at the beginning of `bytes`, which are enough.
template <typename T>
T At(std::span<const char> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

// A number of the size of the field; none if it lies outside of the event.
std::optional<uint64_t> NumberAt(std::span<const char> event,
                                 const SocketTracepoints::Field& field) {
  if (field.offset + field.size > event.size()) return std::nullopt;
  const auto bytes = event.subspan(field.offset);
  if (field.size == sizeof(uint64_t)) return At<uint64_t>(bytes);
  if (field.size == sizeof(uint32_t)) return At<uint32_t>(bytes);
  return std::nullopt;
}

// A sample as the attributes below ask for it; perf_event_open(2). The event
// of the tracepoint follows.
struct Sample {
  perf_event_header header;
  uint32_t pid;
  uint32_t thread;
  uint64_t time;
  uint32_t raw_size;
} __attribute__((packed));

std::optional<SocketEvent> EventIn(std::span<const char> record,
                                   const SocketTracepoints& tracepoints) {
  if (record.size() < sizeof(Sample)) return std::nullopt;
  const auto sample = At<Sample>(record);
  const auto raw = record.subspan(sizeof(Sample));
  if (sample.raw_size > raw.size() || sample.raw_size < sizeof(uint16_t)) {
    return std::nullopt;
  }
  const auto event = raw.first(sample.raw_size);
  const auto id = At<uint16_t>(event);
  SocketEvent said{.at = nanoseconds(sample.time)};
  if (id == tracepoints.end_id) {
    const auto socket = NumberAt(event, tracepoints.end_socket);
    const auto cookie = NumberAt(event, tracepoints.cookie);
    if (!socket || !cookie) return std::nullopt;
    said.kind = SocketEvent::Kind::kEnd;
    said.socket = *socket;
    said.cookie = *cookie;
    return said;
  }
  if (id != tracepoints.state_id) return std::nullopt;
  const auto socket = NumberAt(event, tracepoints.state_socket);
  const auto from = NumberAt(event, tracepoints.old_state);
  const auto to = NumberAt(event, tracepoints.new_state);
  if (!socket || !from || !to) return std::nullopt;
  said.socket = *socket;
  if (from == kClosed && to == kSynSent) {
    said.kind = SocketEvent::Kind::kConnect;
    said.pid = static_cast<pid_t>(sample.pid);
  } else {
    said.kind = from == kSynReceived ? SocketEvent::Kind::kAccept
                                     : SocketEvent::Kind::kFailure;
  }
  return said;
}

std::string PortFilter(const std::vector<uint16_t>& ports) {
  std::string filter;
  for (const uint16_t port : ports) {
    filter +=
        (filter.empty() ? "dport == " : " || dport == ") + std::to_string(port);
  }
  return filter;
}

Result<std::string> ReadFile(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Failed(kTracefs);
  procfs::Buffer buffer;
  constexpr size_t kMax = 64 << 10;
  return procfs::ReadAll(file.get(), kTracefs, kMax, procfs::Oversize::kFail,
                         buffer)
      .map([](std::string_view text) { return std::string(text); });
}

Result<SocketTracepoints> FindTracepoints(
    const std::vector<std::string>& tracefs) {
  Error error{.file = kTracefs, .expected = "a mount"};
  for (const std::string& mount : tracefs) {
    const auto state =
        ReadFile(mount + "/events/sock/inet_sock_set_state/format");
    const auto end = ReadFile(mount + "/events/tcp/tcp_destroy_sock/format");
    if (state && end) return ParseTracepoints(*state, *end);
    if (!state && !state.error().Gone()) error = state.error();
    if (!end && !end.error().Gone()) error = end.error();
  }
  return tl::unexpected(error);
}

// The numbers in "0-3,5".
std::vector<int> CpusIn(std::string_view list) {
  std::vector<int> cpus;
  const char* at = list.data();
  const char* end = at + list.size();
  while (at < end) {
    int first = 0;
    auto parsed = std::from_chars(at, end, first);
    if (parsed.ec != std::errc()) break;
    int last = first;
    if (parsed.ptr < end && *parsed.ptr == '-') {
      parsed = std::from_chars(parsed.ptr + 1, end, last);
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    at = parsed.ptr + 1;
  }
  return cpus;
}

FileDescriptor OpenTracepoint(uint16_t id, int cpu) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  attributes.sample_period = 1;
  attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
  attributes.disabled = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  // No one waits for events.
  attributes.watermark = 1;
  attributes.wakeup_watermark = UINT32_MAX;
  return FileDescriptor(static_cast<int>(syscall(
      SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

bool Enable(const FileDescriptor& event, const std::string& filter) {
  return ioctl(event.get(), PERF_EVENT_IOC_SET_FILTER, filter.c_str()) == 0 &&
         ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) == 0;
}

// Some filters of seccomp(2), such as systemd's SystemCallFilter=, kill the
// process for a call that they do not allow. A process that may die tries it.
bool MayOpenTracepoints() {
  if (prctl(PR_GET_SECCOMP) == 0) return true;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  const FileDescriptor reader(ends[0]);
  std::optional<FileDescriptor> writer(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0);
    const char survived = 1;
    _exit(write(writer->get(), &survived, 1) == 1 ? 0 : 1);
  }
  writer.reset();
  char survived = 0;
  const bool may = child > 0 && read(reader.get(), &survived, 1) == 1;
  if (child > 0) waitpid(child, nullptr, 0);
  return may;
}

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

Result<SocketTracepoints> ParseTracepoints(std::string_view state,
                                           std::string_view end) {
  const auto state_id = NumberAfter(state, "ID: ");
  const auto state_socket = FieldIn(state, "skaddr");
  const auto old_state = FieldIn(state, "oldstate");
  const auto new_state = FieldIn(state, "newstate");
  const auto end_id = NumberAfter(end, "ID: ");
  const auto end_socket = FieldIn(end, "skaddr");
  const auto cookie = FieldIn(end, "sock_cookie");
  if (!state_id || !state_socket || !old_state || !new_state || !end_id ||
      !end_socket || !cookie || *state_id > UINT16_MAX ||
      *end_id > UINT16_MAX) {
    return Unexpected("the fields skaddr, oldstate, newstate and sock_cookie");
  }
  return SocketTracepoints{.state_id = static_cast<uint16_t>(*state_id),
                           .state_socket = *state_socket,
                           .old_state = *old_state,
                           .new_state = *new_state,
                           .end_id = static_cast<uint16_t>(*end_id),
                           .end_socket = *end_socket,
                           .cookie = *cookie};
}

bool AddSocketEvents(std::span<const char> records,
                     const SocketTracepoints& tracepoints,
                     std::vector<SocketEvent>& events) {
  bool complete = true;
  while (!records.empty()) {
    if (records.size() < sizeof(perf_event_header)) return false;
    const auto header = At<perf_event_header>(records);
    if (header.size < sizeof(header) || header.size > records.size()) {
      return false;
    }
    std::optional<SocketEvent> event;
    // Others are PERF_RECORD_LOST and PERF_RECORD_THROTTLE.
    if (header.type == PERF_RECORD_SAMPLE) {
      event = EventIn(records.first(header.size), tracepoints);
    }
    if (event) events.push_back(*event);
    if (!event) complete = false;
    records = records.subspan(header.size);
  }
  return complete;
}

void ConnectEvents::Unmap::operator()(char* memory) const {
  munmap(memory, size);
}

ConnectEvents::ConnectEvents(SocketTracepoints tracepoints, FileDescriptor cpus)
    : tracepoints_(tracepoints), cpus_(std::move(cpus)) {}

Result<ConnectEvents> ConnectEvents::Open(
    const std::vector<uint16_t>& remote_ports,
    const std::vector<std::string>& tracefs) {
  const auto tracepoints = FindTracepoints(tracefs);
  if (!tracepoints) return tl::unexpected(tracepoints.error());
  if (!MayOpenTracepoints()) return Failed(kSource, EPERM);
  ConnectEvents events(*tracepoints,
                       FileDescriptor(open(kCpus, O_RDONLY | O_CLOEXEC)));
  const auto online = events.OnlineCpus();
  if (!online) return tl::unexpected(online.error());
  events.online_ = *online;
  const auto cpus = CpusIn(events.online_);
  if (cpus.empty()) return Unexpected("a list of CPUs");

  const std::string ports = PortFilter(remote_ports);
  const std::string changes =
      "protocol == 6 && ((oldstate == 7 && newstate == 2) || oldstate == 3 || "
      "(oldstate == 2 && newstate == 7)) && (" +
      ports + ")";
  const size_t size = std::max(
      PageSize(),
      std::clamp(std::bit_floor(kRingsSize / cpus.size()), kRingMin, kRingMax));
  for (const int cpu : cpus) {
    if (auto added = events.Add(cpu, changes, ports, size); !added) {
      return tl::unexpected(added.error());
    }
  }
  events.records_.resize(size);
  return events;
}

Result<void> ConnectEvents::Add(int cpu, const std::string& state_filter,
                                const std::string& end_filter, size_t size) {
  auto states = OpenTracepoint(tracepoints_.state_id, cpu);
  if (states.get() < 0) return Failed(kSource);
  auto ends = OpenTracepoint(tracepoints_.end_id, cpu);
  if (ends.get() < 0) return Failed(kSource);
  const size_t mapped = PageSize() + size;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED,
                      states.get(), 0);
  if (memory == MAP_FAILED) return Failed(kSource);
  Ring ring{.states = std::move(states),
            .ends = std::move(ends),
            .memory = {static_cast<char*>(memory), Unmap{mapped}}};
  if (ioctl(ring.ends.get(), PERF_EVENT_IOC_SET_OUTPUT, ring.states.get()) !=
          0 ||
      !Enable(ring.states, state_filter) || !Enable(ring.ends, end_filter)) {
    return Failed(kSource);
  }
  rings_.push_back(std::move(ring));
  return {};
}

Result<std::string_view> ConnectEvents::OnlineCpus() {
  constexpr size_t kMax = 4096;
  return procfs::ReadProcFile(cpus_.get(), kCpus, kMax, procfs::Oversize::kFail,
                              buffer_);
}

// The order of events of different CPUs matters, because the kernel reuses
// addresses: events are taken by their time, up to a moment before the first
// ring was read. Later ones wait for the next call.
Result<bool> ConnectEvents::Drain() {
  const auto online = OnlineCpus();
  if (!online) return tl::unexpected(online.error());
  if (*online != online_) {
    return Unexpected("the CPUs that were online at start");
  }
  const nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
  bool complete = true;
  for (const Ring& ring : rings_) {
    if (!Read(ring)) complete = false;
  }
  std::swap(ended_before_, ended_);
  ended_.clear();
  // In a time namespace, events may seem to come from the future for ever.
  constexpr size_t kWaitingMax = 65'536;
  if (!complete || events_.size() > kWaitingMax) {
    // After a loss an address may be that of another socket.
    events_.clear();
    open_.clear();
    return false;
  }
  std::ranges::sort(events_, {}, &SocketEvent::at);
  auto event = events_.begin();
  for (; event != events_.end() && event->at <= now; ++event) {
    if (!Take(*event)) complete = false;
  }
  events_.erase(events_.begin(), event);
  std::ranges::sort(ended_, {}, &Opener::cookie);
  return complete;
}

// Copies the records out of the ring, in which one may lie across the end.
bool ConnectEvents::Read(const Ring& ring) {
  auto* page = reinterpret_cast<perf_event_mmap_page*>(ring.memory.get());
  const char* data = ring.memory.get() + PageSize();
  const size_t size = records_.size();
  const uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  const uint64_t tail = page->data_tail;
  const uint64_t length = head - tail;
  if (length > size) return false;
  const size_t begin = tail % size;
  const size_t first = std::min<size_t>(length, size - begin);
  std::memcpy(records_.data(), data + begin, first);
  std::memcpy(records_.data() + first, data, length - first);
  __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
  return AddSocketEvents(std::span(records_).first(length), tracepoints_,
                         events_) &&
         size - length >= kRecordMax;
}

// Returns false if there are too many open sockets.
bool ConnectEvents::Take(const SocketEvent& event) {
  if (event.kind == SocketEvent::Kind::kConnect) {
    const bool has_room = open_.size() < kOpenMax;
    if (!has_room) open_.clear();
    open_[event.socket] = {.pid = event.pid, .at = event.at};
    return has_room;
  }
  const auto open = open_.find(event.socket);
  if (open == open_.end()) return true;
  if (event.kind == SocketEvent::Kind::kEnd) {
    ended_.push_back({.cookie = event.cookie,
                      .pid = open->second.pid,
                      .at = open->second.at});
  }
  open_.erase(open);
  return true;
}

const ConnectEvents::Opener* ConnectEvents::Find(uint64_t cookie) const {
  for (const auto* list : {&ended_, &ended_before_}) {
    const auto found =
        std::ranges::lower_bound(*list, cookie, {}, &Opener::cookie);
    if (found == list->end() || found->cookie != cookie) continue;
    // Before Linux 5.10, sockets of two network namespaces may share a cookie.
    const auto next = std::next(found);
    if (next != list->end() && next->cookie == cookie) return nullptr;
    return &*found;
  }
  return nullptr;
}

}  // namespace resource_attribution::kernel
