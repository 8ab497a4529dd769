#include "child/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace resource_attribution::child {
namespace {

bool NeedsDacReadSearch(const Service& service) {
  return !service.selectors.pid_files.empty() ||
         service.selectors.HaveCgroups() || service.DetectsTracing() ||
         !service.tracing_export_ports.empty() ||
         (service.untraced && (!service.untraced->pid_files.empty() ||
                               service.untraced->HaveCgroups()));
}

std::vector<int> NeededCapabilities(const Config& config) {
  std::vector<int> needed{CAP_SYS_PTRACE};
  const auto any = [&](auto holds) {
    return std::ranges::any_of(config.services, holds);
  };
  if (any(NeedsDacReadSearch)) needed.push_back(CAP_DAC_READ_SEARCH);
  if (config.discovery != DiscoveryMode::kScan || any([](const Service& one) {
        return !one.tracing_export_ports.empty();
      })) {
    needed.push_back(CAP_NET_ADMIN);
  }
  return needed;
}

bool LooksUpUsers(const Config& config) {
  return std::ranges::any_of(config.services, [](const Service& one) {
    return !one.selectors.users.empty() ||
           (one.untraced && !one.untraced->users.empty()) ||
           one.name.find("${user}") != std::string::npos;
  });
}

// Returns 0 or an errno.
int KeepCapabilities(const std::vector<int>& kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3,
                                  .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return errno;
  // Without it the kernel shows what is confidential of the user's own
  // processes only to a process that has all their capabilities, ptrace(2).
  // In a container, where no process has this one, those of root have others.
  const auto& traces = sets[CAP_TO_INDEX(CAP_SYS_PTRACE)];
  if ((traces.permitted & CAP_TO_MASK(CAP_SYS_PTRACE)) == 0) return 0;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> less{};
  for (const int one : kept) {
    const auto& had = sets[CAP_TO_INDEX(one)];
    auto& has = less[CAP_TO_INDEX(one)];
    has.permitted |= had.permitted & CAP_TO_MASK(one);
    has.effective |= had.effective & CAP_TO_MASK(one);
  }
  if (syscall(SYS_capset, &header, less.data()) != 0) return errno;
  return 0;
}

// What a pass and the C and C++ libraries call.
constexpr const char* kCalls[] = {
    "access",
    "bind",
    "brk",
    "capget",
    "clock_getres",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "close",
    "dup",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "futex",
    "futex_time64",
    "getcwd",
    "getdents",
    "getdents64",
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getpid",
    "getppid",
    "getrandom",
    "getrlimit",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "getuid32",
    "kcmp",
    "_llseek",
    "lseek",
    "lstat",
    "lstat64",
    "madvise",
    "mmap",
    "mmap2",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "poll",
    "ppoll",
    "ppoll_time64",
    "pread64",
    "prlimit64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmmsg_time64",
    "recvmsg",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "send",
    "sendmsg",
    "sendto",
    "setsockopt",
    "sigreturn",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statx",
    "sysinfo",
    "time",
    "ugetrlimit",
    "uname",
    "write",
    "writev",
};

// What look-ups of users call besides: they may ask a daemon over a socket, a
// server in the network, or systemd (nsswitch.conf(5), nss-systemd(8)).
constexpr const char* kCallsOfLookUps[] = {
    "connect",    "epoll_create1",  "epoll_ctl",       "epoll_pwait",
    "epoll_wait", "eventfd2",       "getpeername",     "ioctl",
    "_newselect", "prctl",          "pselect6",        "pselect6_time64",
    "select",     "sendmmsg",       "shutdown",        "socket",
    "socketcall", "timerfd_create", "timerfd_settime", "timerfd_settime64",
};

// Adds a rule, unless this machine has no such call. Returns 0 or an errno.
int Allow(scmp_filter_ctx filter, const char* name,
          const std::vector<scmp_arg_cmp>& conditions) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return 0;
  const int status = seccomp_rule_add_array(
      filter, SCMP_ACT_ALLOW, call,
      static_cast<unsigned int>(conditions.size()), conditions.data());
  // A call of another architecture that cannot be translated.
  return status == -EDOM || status == -EINVAL ? 0 : -status;
}

// Returns 0 or an errno.
int FilterSystemCalls(bool looks_up_users) {
  // The runtime of a sanitizer makes calls of its own.
  if (RESOURCE_ATTRIBUTION_SANITIZED) return 0;
  // By prctl(2): seccomp(2) is not in @system-service, to which a hardened unit
  // limits its calls (systemd.exec(5)), and libseccomp would try it.
  constexpr unsigned int kBaseLevel = 1;  // seccomp_api_set(3)
  if (const int error = seccomp_api_set(kBaseLevel)) return -error;
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(
      seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release);
  if (filter == nullptr) return ENOMEM;
  int error = 0;  // the first
  const auto allow = [&](const char* call,
                         const std::vector<scmp_arg_cmp>& conditions = {}) {
    if (error == 0) error = Allow(filter.get(), call, conditions);
  };
  for (const char* call : kCalls) allow(call);
  if (looks_up_users) {
    for (const char* call : kCallsOfLookUps) allow(call);
  } else if (seccomp_syscall_resolve_name("socketcall") >= 0) {
    // The C library of i386 and s390x makes sockets by socketcall(2), whose
    // arguments a filter cannot see: all of them there.
    allow("socket");
  } else {
    allow("socket", {{0, SCMP_CMP_EQ, AF_NETLINK, 0}});
  }
  // Only for reading, and only what exists.
  constexpr scmp_datum_t kWriting =
      O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  allow("openat", {{2, SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY}});
  allow("open", {{1, SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY}});
  // abort(3) signals the thread itself.
  const auto own_pid = static_cast<scmp_datum_t>(getpid());
  allow("tgkill", {{0, SCMP_CMP_EQ, own_pid, 0}});
  return error != 0 ? error : -seccomp_load(filter.get());
}

void Note(const char* what, int error, std::string& problem) {
  if (error == 0) return;
  problem += (problem.empty() ? "the sampler process keeps " : ", ") +
             std::string(what) + " (" + std::strerror(error) + ")";
}

}  // namespace

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string Confine(const Config& config) {
  std::string problem;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  Note("all its capabilities", KeepCapabilities(NeededCapabilities(config)),
       problem);
  const bool fixed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  Note("the right to gain privileges", fixed ? 0 : errno, problem);
  Note("all system calls", FilterSystemCalls(LooksUpUsers(config)), problem);
  return problem;
}

}  // namespace resource_attribution::child
