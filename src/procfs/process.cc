#include "procfs/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <memory>
#include <optional>

#include "procfs/being_read.h"
#include "procfs/decimal.h"
#include "procfs/proc_cgroup.h"
#include "procfs/proc_comm.h"
#include "procfs/proc_exe.h"
#include "procfs/proc_smaps_rollup.h"

namespace resource_attribution::procfs {

struct ProcFile {
  const char* name;
  const char* shown;  // in errors

  // `status` lists up to 65,536 supplementary groups (NGROUPS_MAX), ten digits
  // and a blank each.
  size_t limit = size_t{1} << 20;
  Oversize oversize = Oversize::kFail;
};

namespace {

constexpr ProcFile kStat{"stat", "/proc/PID/stat"};
constexpr ProcFile kStatus{"status", "/proc/PID/status"};
constexpr ProcFile kComm{"comm", "/proc/PID/comm"};
constexpr ProcFile kCmdline{"cmdline", "/proc/PID/cmdline", size_t{256} << 10,
                            Oversize::kCut};
constexpr ProcFile kExe{"exe", "/proc/PID/exe"};
constexpr ProcFile kEnviron{"environ", "/proc/PID/environ"};
constexpr ProcFile kMaps{"maps", "/proc/PID/maps", size_t{4} << 20};
constexpr ProcFile kCgroup{"cgroup", "/proc/PID/cgroup"};
constexpr ProcFile kSmapsRollup{"smaps_rollup", "/proc/PID/smaps_rollup"};
constexpr ProcFile kDescriptors{"fd", "/proc/PID/fd"};
constexpr ProcFile kNetworkNamespace{"ns/net", "/proc/PID/ns/net"};
constexpr ProcFile kThreads{"task", "/proc/PID/task"};
constexpr ProcFile kThreadStat{"stat", "/proc/PID/task/TID/stat"};
constexpr ProcFile kThreadComm{"comm", "/proc/PID/task/TID/comm"};

// Large enough for a thousand threads at once.
constexpr size_t kListing = size_t{32} << 10;

Result<std::string_view> ReadOpen(pid_t process, const ProcFile& file,
                                  const FileDescriptor& opened,
                                  Buffer& buffer) {
  const Reading reading(process, file.shown);
  return ReadProcFile(opened.get(), file.shown, file.limit, file.oversize,
                      buffer);
}

// The number in a link "KIND:[NUMBER]", the form in which procfs shows objects
// without a path. None for another kind.
std::optional<ino_t> InodeOf(std::string_view target, std::string_view kind) {
  if (!target.starts_with(kind) || !target.ends_with("]")) return std::nullopt;
  target.remove_prefix(kind.size());
  target.remove_suffix(1);
  return ParseDecimal<ino_t>(target);
}

}  // namespace

Result<Process> Process::Open(int proc_fd, pid_t pid) {
  std::array<char, 16> name{};
  std::to_chars(name.data(), name.data() + name.size() - 1, pid);
  const Reading reading(pid, "/proc/PID");
  FileDescriptor directory(
      openat(proc_fd, name.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return Failed("/proc/PID");
  const int base = directory.get();
  return Process(pid, std::move(directory), base);
}

Process Process::Glance(int proc_fd, pid_t pid) {
  return Process(pid, FileDescriptor(-1), proc_fd);
}

Process::Path Process::PathOf(const ProcFile& file, pid_t thread) const {
  Path path{};
  char* end = path.data();
  char* const last = path.data() + path.size() - 1;
  const auto add_directory = [&](pid_t id) {
    end = std::to_chars(end, last, id).ptr;
    // Path is large enough, but GCC 16 does not see that.
    if (end != last) *end++ = '/';
  };
  if (directory_.get() < 0) add_directory(pid_);
  if (thread != 0) {
    constexpr std::string_view kTask = "task/";
    end += kTask.copy(end, kTask.size());
    add_directory(thread);
  }
  const std::string_view name = file.name;
  name.copy(end, static_cast<size_t>(last - end));
  return path;
}

Result<FileDescriptor> Process::OpenFile(const ProcFile& file,
                                         pid_t thread) const {
  const Reading reading(pid_, file.shown);
  FileDescriptor opened(
      openat(base_, PathOf(file, thread).data(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0) return Failed(file.shown);
  return opened;
}

Result<std::string_view> Process::Read(const ProcFile& file, Buffer& buffer,
                                       pid_t thread) const {
  return OpenFile(file, thread).and_then([&](const auto& opened) {
    return ReadOpen(pid_, file, opened, buffer);
  });
}

// Where a link leads to.
Result<std::string_view> Process::ReadLink(const ProcFile& file, pid_t thread,
                                           std::span<char> to) const {
  const Reading reading(pid_, file.shown);
  const ssize_t size =
      readlinkat(base_, PathOf(file, thread).data(), to.data(), to.size());
  if (size < 0) return Failed(file.shown);
  return std::string_view(to.data(), static_cast<size_t>(size));
}

// The result of `read` for the main thread (0). If that is nothing because the
// main thread has ended while others run, the result for one of the others.
auto Process::ReadWhereItIs(Buffer& buffer, auto is_nothing, auto read) const {
  const auto of_leader = read(pid_t{0});
  const bool has_nothing =
      of_leader ? is_nothing(*of_leader) : of_leader.error().Gone();
  if (!has_nothing) return of_leader;
  using Read = decltype(read(pid_t{0}));
  const auto thread = ThreadInPlaceOfLeader(buffer);
  if (thread) return *thread == 0 ? of_leader : read(*thread);
  // If the other threads cannot be read, the result of the main thread stands,
  // unless the reader is out of resources.
  if (!thread.error().OutOfResources()) return of_leader;
  return Read(tl::unexpected(thread.error()));
}

// Calls `take` with the ID of each thread but the first `skip`. `entries` is
// memory for the list.
Result<void> Process::ForEachThread(std::span<char> entries, size_t skip,
                                    auto take) const {
  const Reading reading(pid_, kThreads.shown);
  const FileDescriptor directory(openat(base_, PathOf(kThreads).data(),
                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return Failed(kThreads.shown);
  // A position is a number of entries, of which `.` and `..` are two
  // (proc_task_readdir in fs/proc/base.c).
  if (skip > 0 &&
      lseek(directory.get(), static_cast<off_t>(skip) + 2, SEEK_SET) < 0) {
    return Failed(kThreads.shown);
  }
  return ForEachEntry(directory.get(), kThreads.shown, entries,
                      [&take](std::string_view name, int /*type*/) {
                        const auto tid = ParseDecimal<pid_t>(name);
                        if (tid && *tid > 0) take(*tid);
                      });
}

// A running thread if the main one has ended; else 0.
Result<pid_t> Process::ThreadInPlaceOfLeader(Buffer& buffer) const {
  const auto stat = ReadStat(buffer);
  if (!stat) return tl::unexpected(stat.error());
  Result<pid_t> found = 0;
  if (!stat->OnlyLeaderEnded()) return found;
  alignas(dirent64) std::array<char, 4096> entries{};
  const auto listed = ForEachThread(entries, 0, [&](pid_t tid) {
    if (found != 0 || tid == pid_) return;
    const auto thread = ReadThreadStat(tid, buffer);
    if (thread && !thread->Exiting()) found = tid;
    if (!thread && thread.error().OutOfResources()) {
      found = tl::unexpected(thread.error());
    }
  });
  if (!listed) return tl::unexpected(listed.error());
  return found;
}

// Unlike other files of a process, the kernel returns `maps` a page at a time,
// so only an empty read is the last.
Result<Beginning> Process::ReadBeginning(const ProcFile& file,
                                         Buffer& buffer) const {
  return ReadWhereItIs(
             buffer, [](std::string_view bytes) { return bytes.empty(); },
             [&](pid_t thread) {
               return OpenFile(file, thread).and_then([&](const auto& opened) {
                 const Reading reading(pid_, file.shown);
                 return ReadAll(opened.get(), file.shown, file.limit + 1,
                                Oversize::kCut, buffer);
               });
             })
      .map([&](std::string_view bytes) {
        return Beginning{.bytes = bytes.substr(0, file.limit),
                         .cut = bytes.size() > file.limit};
      });
}

Result<Stat> Process::ReadStat(Buffer& buffer) const {
  return Read(kStat, buffer).and_then(ParseStat);
}

Result<void> Process::IsStill(const ProcessId& id, Buffer& buffer) const {
  const auto stat = ReadStat(buffer);
  if (!stat) return tl::unexpected(stat.error());
  if (stat->start_time == id.start_time && !stat->Ended()) return {};
  return Failed(kStat.shown, ESRCH);
}

Result<Status> Process::ReadStatus(Buffer& buffer) const {
  return Read(kStatus, buffer).and_then(ParseStatus);
}

Result<Status> Process::ReadStatusOfThread(Buffer& buffer) const {
  Result<Status> found = Failed(kStatus.shown, ESRCH);
  alignas(dirent64) std::array<char, 4096> entries{};
  const auto listed = ForEachThread(entries, 0, [&](pid_t tid) {
    if (found || tid == pid_) return;
    const auto status = Read(kStatus, buffer, tid).and_then(ParseStatus);
    const bool ended = status ? !status->HasMemory() : status.error().Gone();
    if (!ended) found = status;
  });
  if (!listed) return tl::unexpected(listed.error());
  return found;
}

Result<size_t> Process::CountPids(Buffer& buffer) const {
  return Read(kStatus, buffer).and_then(ParsePidCount);
}

Result<Cmdline> Process::ReadCmdline(Buffer& buffer) const {
  return ReadArguments(buffer).map([&](std::string_view bytes) {
    return ParseCmdline({buffer.data(), bytes.size()});
  });
}

Result<std::string_view> Process::ReadArguments(Buffer& buffer) const {
  return ReadWhereItIs(
      buffer, [](std::string_view bytes) { return bytes.empty(); },
      [&](pid_t thread) { return Read(kCmdline, buffer, thread); });
}

Result<std::string_view> Process::ReadComm(Buffer& buffer) const {
  return Read(kComm, buffer).map(ParseComm);
}

Result<std::string_view> Process::ReadExe(Buffer& buffer) const {
  if (buffer.size() < PATH_MAX) buffer.resize(PATH_MAX);
  return ReadWhereItIs(
             buffer, [](std::string_view) { return false; },
             [&](pid_t thread) { return ReadLink(kExe, thread, buffer); })
      .map(ParseExe);
}

Result<Beginning> Process::ReadEnviron(Buffer& buffer) const {
  return ReadBeginning(kEnviron, buffer);
}

Result<Beginning> Process::ReadMaps(Buffer& buffer) const {
  return ReadBeginning(kMaps, buffer);
}

Result<std::string_view> Process::ReadCgroup(Buffer& buffer) const {
  return Read(kCgroup, buffer).and_then(ParseCgroup);
}

Result<uint64_t> Process::ReadPss(Buffer& buffer) const {
  return ReadWhereItIs(
             buffer, [](std::string_view) { return false; },
             [&](pid_t thread) { return Read(kSmapsRollup, buffer, thread); })
      .and_then(ParsePss);
}

Result<ProgramFile> Process::OpenExe() const {
  const auto open_exe = [&](pid_t thread) -> Result<ProgramFile> {
    const Reading reading(pid_, kExe.shown);
    // Opening a FIFO would wait, if a procfs that is none has one here.
    FileDescriptor opened(openat(base_, PathOf(kExe, thread).data(),
                                 O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (opened.get() < 0) return Failed(kExe.shown);
    struct stat status {};
    if (fstat(opened.get(), &status) != 0) return Failed(kExe.shown);
    if (!S_ISREG(status.st_mode)) return Failed(kExe.shown, EINVAL);
    const auto size = static_cast<uint64_t>(status.st_size);
    return ProgramFile{
        .process = pid_,
        .descriptor = std::move(opened),
        .size = size,
        .identity = {.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = size,
                     .changed_seconds = status.st_ctim.tv_sec,
                     .changed_nanoseconds = status.st_ctim.tv_nsec}};
  };
  auto of_leader = open_exe(0);
  if (of_leader || !of_leader.error().Gone()) return of_leader;
  Buffer buffer;
  const auto thread = ThreadInPlaceOfLeader(buffer);
  return thread && *thread != 0 ? open_exe(*thread) : std::move(of_leader);
}

ByteSource ProgramFile::Bytes() const {
  return {.size = size,
          .read = [fd = descriptor.get(), pid = process](uint64_t offset,
                                                         std::span<char> to) {
            // The file may be in a file system of the user's.
            const Reading reading(pid, kExe.shown);
            return ReadAt(fd, offset, to);
          }};
}

std::optional<ino_t> SocketOf(std::string_view descriptor_target) {
  return InodeOf(descriptor_target, "socket:[");
}

Result<void> Process::ListSockets(std::vector<ino_t>& inodes) const {
  inodes.clear();
  return ForEachDescriptor(SIZE_MAX, [&inodes](std::string_view target) {
    if (const auto inode = SocketOf(target)) inodes.push_back(*inode);
  });
}

Result<void> Process::ForEachDescriptor(
    size_t most, const std::function<void(std::string_view)>& take) const {
  Buffer buffer;
  return ReadWhereItIs(
             buffer, [](size_t descriptors) { return descriptors == 0; },
             [&](pid_t thread) {
               return ForEachDescriptorOf(thread, most, take);
             })
      .map([](size_t) {});
}

// Returns the number of descriptors.
Result<size_t> Process::ForEachDescriptorOf(
    pid_t thread, size_t most,
    const std::function<void(std::string_view)>& take) const {
  size_t descriptors = 0;
  const Reading reading(pid_, kDescriptors.shown);
  const int fd = openat(base_, PathOf(kDescriptors, thread).data(),
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed(kDescriptors.shown);
  const auto close_directory = [](DIR* opened) { closedir(opened); };
  const std::unique_ptr<DIR, decltype(close_directory)> directory(
      fdopendir(fd), close_directory);
  if (directory == nullptr) {
    const FileDescriptor closed(fd);
    return Failed(kDescriptors.shown);
  }
  errno = 0;  // readdir(3) tells the end from an error by it alone
  while (descriptors < most) {
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    ++descriptors;
    std::array<char, PATH_MAX> target;  // NOLINT: readlinkat fills it
    const ssize_t size =
        readlinkat(fd, entry->d_name, target.data(), target.size());
    // Closed meanwhile; or a file whose path is longer than a page, which is no
    // socket (do_proc_readlink in fs/proc/base.c).
    if (size < 0 && errno != ENOENT && errno != ENAMETOOLONG) {
      return Failed(kDescriptors.shown);
    }
    if (size >= 0) take({target.data(), static_cast<size_t>(size)});
    errno = 0;
  }
  if (errno != 0) return Failed(kDescriptors.shown);
  return descriptors;
}

Result<ino_t> Process::NetworkNamespace() const {
  std::array<char, 64> target{};
  const auto read = [&](pid_t thread) {
    return ReadLink(kNetworkNamespace, thread, target)
        .and_then([](std::string_view text) -> Result<ino_t> {
          if (const auto inode = InodeOf(text, "net:[")) return *inode;
          return Invalid(kNetworkNamespace.shown, "net:[INODE]");
        });
  };
  Buffer buffer;
  return ReadWhereItIs(
      buffer, [](ino_t) { return false; }, read);
}

Result<void> Process::ListThreads(std::vector<pid_t>& tids, Buffer& buffer,
                                  size_t skip) const {
  tids.clear();
  if (buffer.size() < kListing) buffer.resize(kListing);
  return ForEachThread(buffer, skip,
                       [&tids](pid_t tid) { tids.push_back(tid); });
}

Result<Stat> Process::ReadThreadStat(pid_t tid, Buffer& buffer) const {
  return Read(kThreadStat, buffer, tid).and_then(ParseStat);
}

Result<std::string_view> Process::ReadThreadComm(pid_t tid,
                                                 Buffer& buffer) const {
  return Read(kThreadComm, buffer, tid).map(ParseComm);
}

Result<ProcessFiles> ProcessFiles::Open(const Process& process) {
  auto stat = process.OpenFile(kStat);
  if (!stat) return tl::unexpected(stat.error());
  auto status = process.OpenFile(kStatus);
  if (!status) return tl::unexpected(status.error());
  return ProcessFiles(process.pid(), std::move(*stat), std::move(*status));
}

Result<Stat> ProcessFiles::ReadStat(Buffer& buffer) const {
  return ReadOpen(pid_, kStat, stat_, buffer).and_then(ParseStat);
}

Result<Status> ProcessFiles::ReadStatus(Buffer& buffer) const {
  return ReadOpen(pid_, kStatus, status_, buffer).and_then(ParseStatus);
}

}  // namespace resource_attribution::procfs
