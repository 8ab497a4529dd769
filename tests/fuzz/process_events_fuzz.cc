#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "fuzz.h"
#include "kernel/process_events.h"

namespace {

// Which event it is. The headers of Linux 6.6 moved these names out of
// proc_event; the numbers are the kernel's interface.
enum What : uint32_t { kFork = 0x1, kExec = 0x2, kUid = 0x4, kComm = 0x200 };

template <typename Structure>
Structure At(std::string_view datagram, size_t offset) {
  Structure structure;
  std::memcpy(&structure, datagram.data() + offset, sizeof(structure));
  return structure;
}

// The same by the kernel's structures and macros.
std::vector<pid_t> NamedIn(std::string_view datagram) {
  constexpr size_t kEvent = NLMSG_HDRLEN + sizeof(cn_msg);
  std::vector<pid_t> pids;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const size_t size = At<nlmsghdr>(datagram, 0).nlmsg_len;
    if (size < sizeof(nlmsghdr) || size > datagram.size()) break;
    const std::string_view message = datagram.substr(0, size);
    datagram.remove_prefix(std::min(NLMSG_ALIGN(size), datagram.size()));
    if (size < kEvent + sizeof(proc_event)) continue;
    const auto id = At<cb_id>(message, NLMSG_HDRLEN);
    if (id.idx != CN_IDX_PROC || id.val != CN_VAL_PROC) continue;
    const auto event = At<proc_event>(message, kEvent);
    const auto& data = event.event_data;
    const auto what = static_cast<uint32_t>(event.what);
    pid_t pid = 0;
    if (what == kFork) {
      pid = data.fork.child_pid;
    } else if (what == kExec) {
      pid = data.exec.process_pid;
    } else if (what == kUid) {
      pid = data.id.process_pid;
    } else if (what == kComm) {
      pid = data.comm.process_pid;
    }
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

void Fuzz(std::string_view bytes) {
  std::vector<pid_t> pids;
  resource_attribution::kernel::AddNamedProcesses(bytes, pids);
  for (const pid_t pid : pids) Require(pid > 0, "a PID is positive");
  Require(pids == NamedIn(bytes), "every event names its process, once");
}
