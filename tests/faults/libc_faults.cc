// _FORTIFY_SOURCE would define some of these functions inline.
#undef _FORTIFY_SOURCE

#include "libc_faults.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <mntent.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <optional>

#include "failing_allocation.h"

namespace libc {
namespace {

bool armed = false;
const Fault* fault = nullptr;
int hits = 0;
std::vector<Call> calls;
std::map<int, std::string> path_by_fd;
std::map<int, bool> ended;  // files that have been cut
std::optional<timespec> now;

bool connector_answers = true;
std::optional<int> connector;  // its socket
std::deque<std::vector<char>> datagrams;

// While this lives, allocations succeed: the fault is meant for allocations of
// the module, not for those made here.
class AllocationsSucceed {
 public:
  AllocationsSucceed() { std::swap(failing_allocation, left_); }
  ~AllocationsSucceed() { std::swap(failing_allocation, left_); }
  AllocationsSucceed(const AllocationsSucceed&) = delete;
  AllocationsSucceed& operator=(const AllocationsSucceed&) = delete;

 private:
  int left_ = -1;
};

// The function of the C library that `ours` replaces. The linker may know it by
// another name than the source: with words of 32 bits and time or offsets of
// 64, the headers rename clock_gettime to `__clock_gettime64` and pread to
// `pread64`.
template <typename Function>
Function* Real(Function* ours) {
  Dl_info symbol{};
  void* real = nullptr;
  if (dladdr(reinterpret_cast<void*>(ours), &symbol) != 0 &&
      symbol.dli_saddr == reinterpret_cast<void*>(ours)) {
    real = dlsym(RTLD_NEXT, symbol.dli_sname);
  }
  if (real == nullptr) std::abort();
  return reinterpret_cast<Function*>(real);
}

#define REAL(function)                 \
  const libc::AllocationsSucceed here; \
  static auto* const real = libc::Real(&(function))

std::string PathOf(int fd) {
  const auto known = path_by_fd.find(fd);
  return known == path_by_fd.end() ? std::string() : known->second;
}

std::string PathAt(int directory, const char* path) {
  if (path[0] == '/') return path;
  return PathOf(directory) + "/" + path;
}

// Counts a call. Returns the fault if it is its turn.
const Fault* Meet(const char* function, std::string path) {
  if (!armed) return nullptr;
  calls.push_back({function, std::move(path)});
  constexpr size_t kEndless = 100000;
  if (calls.size() > kEndless) {
    std::fprintf(stderr, "asked for ever: %s\n", function);
    std::abort();
  }
  if (fault == nullptr) return nullptr;
  const Call& call = calls.back();
  const bool is_meant =
      fault->position >= 0
          ? static_cast<size_t>(fault->position) == calls.size() - 1
          : fault->call.function == call.function &&
                (fault->call.path.empty() || fault->call.path == call.path);
  if (!is_meant) return nullptr;
  ++hits;
  return fault;
}

bool Fails(const char* function, std::string path) {
  const Fault* met = Meet(function, std::move(path));
  if (met != nullptr) errno = met->error;
  return met != nullptr;
}

int Opened(int fd, std::string path) {
  if (armed && fd >= 0) path_by_fd[fd] = std::move(path);
  return fd;
}

// Reads `size` bytes by `read`, which gets the number of bytes.
ssize_t ReadOr(const char* function, int fd, size_t size, auto read) {
  const Fault* met = nullptr;
  {
    if (ended.contains(fd)) return 0;
    met = Meet(function, PathOf(fd));
    // A file that one read returns whole needs no end.
    if (met != nullptr && met->cut && !met->goes_on &&
        met->call.function == "read") {
      ended[fd] = true;
    }
  }
  if (met == nullptr) return read(size);
  if (met->cut) return read(std::min(size, met->length));
  errno = met->error;
  return -1;
}

void Send(const proc_event& event, uint32_t acknowledgement = 0) {
  if (!connector) return;
  std::vector<char> datagram(NLMSG_SPACE(sizeof(cn_msg) + sizeof(event)));
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof(cn_msg) + sizeof(event));
  header.nlmsg_type = NLMSG_DONE;
  cn_msg message{};
  message.id = {CN_IDX_PROC, CN_VAL_PROC};
  message.ack = acknowledgement;
  message.len = sizeof(event);
  std::memcpy(datagram.data(), &header, sizeof(header));
  std::memcpy(datagram.data() + NLMSG_HDRLEN, &message, sizeof(message));
  std::memcpy(datagram.data() + NLMSG_HDRLEN + sizeof(message), &event,
              sizeof(event));
  datagrams.push_back(std::move(datagram));
}

// Sends an event of an exec, or of a change of name or user, which have the
// same form.
void SendOf(uint32_t what, pid_t pid) {
  proc_event event{};
  std::memcpy(&event.what, &what, sizeof(what));
  event.event_data.exec.process_pid = pid;
  event.event_data.exec.process_tgid = pid;
  Send(event);
}

// Receives the next datagram of the connector.
ssize_t TakeDatagram(msghdr& message) {
  if (datagrams.empty()) {
    errno = EAGAIN;
    return -1;
  }
  const std::vector<char> datagram = std::move(datagrams.front());
  datagrams.pop_front();
  std::memcpy(message.msg_iov[0].iov_base, datagram.data(), datagram.size());
  message.msg_namelen = sizeof(sockaddr_nl);
  message.msg_flags = 0;
  return static_cast<ssize_t>(datagram.size());
}

}  // namespace

void Arm(const Fault* to_meet) {
  fault = to_meet;
  hits = 0;
  calls.clear();
  armed = true;
}

std::vector<Call> Disarm() {
  armed = false;
  fault = nullptr;
  return calls;
}

int Hits() { return hits; }

void SetTime(std::chrono::nanoseconds since_boot) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  timespec time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(seconds.count());
  time.tv_nsec =
      static_cast<decltype(time.tv_nsec)>((since_boot - seconds).count());
  now = time;
}

void SetConnector(bool answers) { connector_answers = answers; }

void SendFork(pid_t parent, pid_t child) {
  proc_event event{};
  const uint32_t what = 0x1;
  std::memcpy(&event.what, &what, sizeof(what));
  event.event_data.fork = {parent, parent, child, child};
  Send(event);
}

void SendExec(pid_t pid) { SendOf(0x2, pid); }
void SendUser(pid_t pid) { SendOf(0x4, pid); }
void SendName(pid_t pid) { SendOf(0x200, pid); }

}  // namespace libc

#pragma GCC visibility push(default)
extern "C" {

using libc::Fails;
using libc::Opened;
using libc::PathAt;
using libc::PathOf;
using libc::ReadOr;

int open(const char* path, int flags, ...) {
  REAL(open);
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (Fails("open", path)) return -1;
  return Opened(real(path, flags, mode), path);
}

int openat(int directory, const char* path, int flags, ...) {
  REAL(openat);
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (!libc::armed) return real(directory, path, flags, mode);
  const std::string full = PathAt(directory, path);
  if (Fails("openat", full)) return -1;
  return Opened(real(directory, path, flags, mode), full);
}

// The fortified C library calls these if the flags are no constant.
int __open_2(const char* path, int flags) { return open(path, flags); }
int __openat_2(int directory, const char* path, int flags) {
  return openat(directory, path, flags);
}

ssize_t read(int fd, void* to, size_t size) {
  REAL(read);
  if (!libc::armed) return real(fd, to, size);
  return ReadOr("read", fd, size,
                [&](size_t asked) { return real(fd, to, asked); });
}

ssize_t pread(int fd, void* to, size_t size, off_t offset) {
  REAL(pread);
  if (!libc::armed) return real(fd, to, size, offset);
  return ReadOr("pread", fd, size,
                [&](size_t asked) { return real(fd, to, asked, offset); });
}

ssize_t readlinkat(int directory, const char* path, char* to,
                   size_t size) noexcept {
  REAL(readlinkat);
  if (libc::armed && Fails("readlinkat", PathAt(directory, path))) return -1;
  return real(directory, path, to, size);
}

// Whatever it returns, the descriptor is closed: close(2), "Dealing with error
// returns from close".
int close(int fd) {
  REAL(close);
  if (!libc::armed) return real(fd);
  const bool fails = Fails("close", PathOf(fd));
  const int error = errno;
  const int status = real(fd);
  libc::path_by_fd.erase(fd);
  libc::ended.erase(fd);
  if (libc::connector == fd) libc::connector.reset();
  errno = error;
  return fails ? -1 : status;
}

off_t lseek(int fd, off_t offset, int whence) noexcept {
  REAL(lseek);
  if (Fails("lseek", PathOf(fd))) return -1;
  return real(fd, offset, whence);
}

dirent* readdir(DIR* directory) {
  REAL(readdir);
  if (Fails("readdir", PathOf(dirfd(directory)))) return nullptr;
  return real(directory);
}

ssize_t getdents64(int fd, void* to, size_t size) noexcept {
  REAL(getdents64);
  if (Fails("getdents64", PathOf(fd))) return -1;
  return real(fd, to, size);
}

int fstat(int fd, struct stat* status) noexcept {
  REAL(fstat);
  if (Fails("fstat", PathOf(fd))) return -1;
  return real(fd, status);
}

int fstatat(int directory, const char* path, struct stat* status,
            int flags) noexcept {
  REAL(fstatat);
  if (libc::armed && Fails("fstatat", PathAt(directory, path))) return -1;
  return real(directory, path, status, flags);
}

int fstatfs(int fd, struct statfs* status) noexcept {
  REAL(fstatfs);
  if (Fails("fstatfs", PathOf(fd))) return -1;
  return real(fd, status);
}

FILE* setmntent(const char* path, const char* mode) noexcept {
  REAL(setmntent);
  return Fails("setmntent", path) ? nullptr : real(path, mode);
}

mntent* getmntent_r(FILE* file, mntent* entry, char* strings,
                    int size) noexcept {
  REAL(getmntent_r);
  if (Fails("getmntent_r", "mounts")) return nullptr;
  return real(file, entry, strings, size);
}

int getpwnam_r(const char* name, passwd* entry, char* strings, size_t size,
               passwd** found) {
  REAL(getpwnam_r);
  *found = nullptr;
  if (Fails("getpwnam_r", name)) return errno;
  return real(name, entry, strings, size, found);
}

int getpwuid_r(uid_t id, passwd* entry, char* strings, size_t size,
               passwd** found) {
  REAL(getpwuid_r);
  *found = nullptr;
  if (Fails("getpwuid_r", std::to_string(id))) return errno;
  return real(id, entry, strings, size, found);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  REAL(clock_gettime);
  if (libc::armed && libc::now) {
    *time = *libc::now;
    return 0;
  }
  return real(clock, time);
}

int socket(int family, int type, int protocol) noexcept {
  REAL(socket);
  if (!libc::armed) return real(family, type, protocol);
  if (Fails("socket", "")) return -1;
  const int fd = eventfd(0, EFD_CLOEXEC);
  libc::connector = fd;
  libc::datagrams.clear();
  return Opened(fd, "connector");
}

int setsockopt(int fd, int level, int option, const void* value,
               socklen_t size) noexcept {
  REAL(setsockopt);
  if (!libc::armed) return real(fd, level, option, value, size);
  return Fails("setsockopt", std::to_string(option)) ? -1 : 0;
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  REAL(bind);
  if (!libc::armed) return real(fd, address, size);
  return Fails("bind", "") ? -1 : 0;
}

int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
  REAL(getsockname);
  if (!libc::armed) return real(fd, address, size);
  if (Fails("getsockname", "")) return -1;
  sockaddr_nl name{};
  name.nl_family = AF_NETLINK;
  name.nl_pid = 4711;
  std::memcpy(address, &name, sizeof(name));
  *size = sizeof(name);
  return 0;
}

ssize_t sendto(int fd, const void* bytes, size_t size, int flags,
               const sockaddr* address, socklen_t address_size) {
  REAL(sendto);
  if (!libc::armed) return real(fd, bytes, size, flags, address, address_size);
  if (Fails("sendto", "")) return -1;
  cn_msg request{};
  std::memcpy(&request, static_cast<const char*>(bytes) + NLMSG_HDRLEN,
              sizeof(request));
  if (libc::connector_answers) libc::Send({}, request.ack + 1);
  return static_cast<ssize_t>(size);
}

int poll(pollfd* files, nfds_t count, int milliseconds) {
  REAL(poll);
  if (!libc::armed) return real(files, count, milliseconds);
  if (Fails("poll", "")) return -1;
  return libc::datagrams.empty() ? 0 : 1;
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  REAL(recvmsg);
  if (!libc::armed) return real(fd, message, flags);
  if (Fails("recvmsg", "")) return -1;
  return libc::TakeDatagram(*message);
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags,
             timespec* timeout) {
  REAL(recvmmsg);
  if (!libc::armed) return real(fd, messages, count, flags, timeout);
  if (Fails("recvmmsg", "")) return -1;
  int taken = 0;
  for (; taken < static_cast<int>(count); ++taken) {
    const ssize_t size = libc::TakeDatagram(messages[taken].msg_hdr);
    if (size < 0) break;
    messages[taken].msg_len = static_cast<unsigned>(size);
  }
  return taken > 0 ? taken : -1;
}

}  // extern "C"
#pragma GCC visibility pop
