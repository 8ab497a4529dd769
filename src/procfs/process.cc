#include "procfs/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "procfs/decimal.h"
#include "procfs/proc_cgroup.h"
#include "procfs/proc_comm.h"
#include "procfs/proc_exe.h"
#include "procfs/proc_smaps_rollup.h"

namespace resource_attribution::procfs {
namespace {

// `status` lists up to 65,536 supplementary groups (NGROUPS_MAX), ten digits
// and a blank each.
constexpr size_t kFileMax = size_t{1} << 20;

constexpr size_t kCmdlineMax = size_t{256} << 10;
constexpr size_t kEnvironMax = size_t{1} << 20;
constexpr size_t kMapsMax = size_t{4} << 20;

// Takes a thousand threads at once.
constexpr size_t kListing = size_t{32} << 10;

constexpr const char* kStat = "/proc/PID/stat";
constexpr const char* kStatus = "/proc/PID/status";
constexpr const char* kDescriptors = "/proc/PID/fd";

// The number in a link "KIND:[NUMBER]", as procfs shows what has no path. None
// for what is of another kind.
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
  FileDescriptor directory(
      openat(proc_fd, name.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) {
    return tl::unexpected(Error{.file = "/proc/PID", .system_error = errno});
  }
  const int base = directory.get();
  return Process(pid, std::move(directory), base);
}

Process Process::Glance(int proc_fd, pid_t pid) {
  return Process(pid, FileDescriptor(-1), proc_fd);
}

Process::Path Process::PathOf(const File& file) const {
  Path path{};
  char* end = path.data();
  if (directory_.get() < 0) {
    end = std::to_chars(end, path.data() + path.size(), pid_).ptr;
    *end++ = '/';
  }
  const std::string_view name = file.name;
  name.copy(end, static_cast<size_t>(path.data() + path.size() - 1 - end));
  return path;
}

Result<FileDescriptor> Process::OpenFile(const File& file) const {
  FileDescriptor opened(
      openat(base_, PathOf(file).data(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0) {
    return tl::unexpected(Error{.file = file.shown, .system_error = errno});
  }
  return opened;
}

Result<std::string_view> Process::Read(const File& file, size_t limit,
                                       Oversize oversize,
                                       Buffer& buffer) const {
  const auto opened = OpenFile(file);
  if (!opened) return tl::unexpected(opened.error());
  return ReadProcFile(opened->get(), file.shown, limit, oversize, buffer);
}

// Unlike other files of a process, `maps` is given a page at a time, so that
// only an empty read is the last.
Result<Beginning> Process::ReadBeginning(const File& file, size_t limit,
                                         Buffer& buffer) const {
  const auto opened = OpenFile(file);
  if (!opened) return tl::unexpected(opened.error());
  return ReadAll(opened->get(), file.shown, limit + 1, Oversize::kCut, buffer)
      .map([&](std::string_view bytes) {
        return Beginning{.bytes = bytes.substr(0, limit),
                         .cut = bytes.size() > limit};
      });
}

Result<Stat> Process::ReadStat(Buffer& buffer) const {
  return Read({"stat", kStat}, kFileMax, Oversize::kFail, buffer)
      .and_then(ParseStat);
}

Result<Status> Process::ReadStatus(Buffer& buffer) const {
  return Read({"status", kStatus}, kFileMax, Oversize::kFail, buffer)
      .and_then(ParseStatus);
}

Result<Cmdline> Process::ReadCmdline(Buffer& buffer) const {
  return ReadArguments(buffer).map([&](std::string_view bytes) {
    return ParseCmdline({buffer.data(), bytes.size()});
  });
}

Result<std::string_view> Process::ReadArguments(Buffer& buffer) const {
  return Read({"cmdline", "/proc/PID/cmdline"}, kCmdlineMax, Oversize::kCut,
              buffer);
}

Result<std::string_view> Process::ReadComm(Buffer& buffer) const {
  return Read({"comm", "/proc/PID/comm"}, kFileMax, Oversize::kFail, buffer)
      .map(ParseComm);
}

Result<std::string_view> Process::ReadExe(Buffer& buffer) const {
  const File file{"exe", "/proc/PID/exe"};
  if (buffer.size() < PATH_MAX) buffer.resize(PATH_MAX);
  const ssize_t size =
      readlinkat(base_, PathOf(file).data(), buffer.data(), buffer.size());
  if (size < 0) {
    return tl::unexpected(Error{.file = file.shown, .system_error = errno});
  }
  return ParseExe({buffer.data(), static_cast<size_t>(size)});
}

Result<Beginning> Process::ReadEnviron(Buffer& buffer) const {
  return ReadBeginning({"environ", "/proc/PID/environ"}, kEnvironMax, buffer);
}

Result<Beginning> Process::ReadMaps(Buffer& buffer) const {
  return ReadBeginning({"maps", "/proc/PID/maps"}, kMapsMax, buffer);
}

Result<std::string_view> Process::ReadCgroup(Buffer& buffer) const {
  return Read({"cgroup", "/proc/PID/cgroup"}, kFileMax, Oversize::kFail, buffer)
      .and_then(ParseCgroup);
}

Result<uint64_t> Process::ReadPss(Buffer& buffer) const {
  return Read({"smaps_rollup", "/proc/PID/smaps_rollup"}, kFileMax,
              Oversize::kFail, buffer)
      .and_then(ParsePss);
}

Result<void> Process::ListSockets(std::vector<ino_t>& inodes) const {
  const auto failed = [] {
    return tl::unexpected(Error{.file = kDescriptors, .system_error = errno});
  };
  inodes.clear();
  const int fd = openat(base_, PathOf({"fd", kDescriptors}).data(),
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed();
  const auto close_directory = [](DIR* opened) { closedir(opened); };
  const std::unique_ptr<DIR, decltype(close_directory)> directory(
      fdopendir(fd), close_directory);
  if (directory == nullptr) {
    const FileDescriptor closed(fd);
    return failed();
  }
  while (true) {
    errno = 0;  // readdir(3) tells the end from an error by it alone
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    std::array<char, 64> target{};
    const ssize_t size =
        readlinkat(fd, entry->d_name, target.data(), target.size());
    if (size < 0 && errno == ENOENT) continue;  // closed meanwhile
    if (size < 0) return failed();
    const auto inode =
        InodeOf({target.data(), static_cast<size_t>(size)}, "socket:[");
    if (inode) inodes.push_back(*inode);
  }
  if (errno != 0) return failed();
  return {};
}

Result<ino_t> Process::NetworkNamespace() const {
  const File file{"ns/net", "/proc/PID/ns/net"};
  std::array<char, 64> target{};
  const ssize_t size =
      readlinkat(base_, PathOf(file).data(), target.data(), target.size());
  if (size < 0) {
    return tl::unexpected(Error{.file = file.shown, .system_error = errno});
  }
  const auto inode =
      InodeOf({target.data(), static_cast<size_t>(size)}, "net:[");
  if (!inode) {
    return tl::unexpected(Error{.file = file.shown, .expected = "net:[INODE]"});
  }
  return *inode;
}

Result<void> Process::ListThreads(std::vector<pid_t>& tids,
                                  Buffer& buffer) const {
  tids.clear();
  const File file{"task", "/proc/PID/task"};
  const FileDescriptor directory(
      openat(base_, PathOf(file).data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) {
    return tl::unexpected(Error{.file = file.shown, .system_error = errno});
  }
  if (buffer.size() < kListing) buffer.resize(kListing);
  while (true) {
    const ssize_t size =
        getdents64(directory.get(), buffer.data(), buffer.size());
    if (size < 0) {
      return tl::unexpected(Error{.file = file.shown, .system_error = errno});
    }
    if (size == 0) break;
    for (ssize_t at = 0; at < size;) {
      dirent64 entry{};
      const size_t header = offsetof(dirent64, d_name);
      std::memcpy(&entry, buffer.data() + at, header);
      const auto tid = ParseDecimal<pid_t>(buffer.data() + at + header);
      if (tid && *tid > 0) tids.push_back(*tid);
      at += entry.d_reclen;
    }
  }
  std::sort(tids.begin(), tids.end());
  return {};
}

Result<Stat> Process::ReadThreadStat(pid_t tid, Buffer& buffer) const {
  std::array<char, 24> name{"task/"};
  char* end = std::to_chars(name.data() + 5, name.data() + 16, tid).ptr;
  std::memcpy(end, "/stat", sizeof("/stat"));
  return Read({name.data(), "/proc/PID/task/TID/stat"}, kFileMax,
              Oversize::kFail, buffer)
      .and_then(ParseStat);
}

Result<ProcessFiles> ProcessFiles::Open(const Process& process) {
  auto stat = process.OpenFile({"stat", kStat});
  if (!stat) return tl::unexpected(stat.error());
  auto status = process.OpenFile({"status", kStatus});
  if (!status) return tl::unexpected(status.error());
  return ProcessFiles(std::move(*stat), std::move(*status));
}

Result<Stat> ProcessFiles::ReadStat(Buffer& buffer) const {
  return ReadProcFile(stat_.get(), kStat, kFileMax, Oversize::kFail, buffer)
      .and_then(ParseStat);
}

Result<Status> ProcessFiles::ReadStatus(Buffer& buffer) const {
  return ReadProcFile(status_.get(), kStatus, kFileMax, Oversize::kFail, buffer)
      .and_then(ParseStatus);
}

}  // namespace resource_attribution::procfs
