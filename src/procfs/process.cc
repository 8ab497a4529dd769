#include "procfs/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>

#include "procfs/proc_comm.h"
#include "procfs/proc_exe.h"

namespace resource_attribution::procfs {
namespace {

// `status` lists up to 65,536 supplementary groups (NGROUPS_MAX), ten digits
// and a blank each.
constexpr size_t kFileMax = size_t{1} << 20;

constexpr size_t kCmdlineMax = size_t{256} << 10;

// A file of the process directory and how errors call it.
struct ProcFile {
  const char* name;
  const char* shown;
};

Result<void> Read(const FileDescriptor& directory, const ProcFile& file,
                  size_t limit, Oversize oversize, std::string& content) {
  return ReadFile(directory.get(), file.name, limit, oversize, content)
      .map_error([&](Error error) {
        error.file = file.shown;
        return error;
      });
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
  return Process(pid, std::move(directory));
}

Result<Stat> Process::ReadStat(std::string& content) const {
  return Read(directory_, {"stat", "/proc/PID/stat"}, kFileMax, Oversize::kFail,
              content)
      .and_then([&] { return ParseStat(content); });
}

Result<Status> Process::ReadStatus(std::string& content) const {
  return Read(directory_, {"status", "/proc/PID/status"}, kFileMax,
              Oversize::kFail, content)
      .and_then([&] { return ParseStatus(content); });
}

Result<Cmdline> Process::ReadCmdline(std::string& content) const {
  return Read(directory_, {"cmdline", "/proc/PID/cmdline"}, kCmdlineMax,
              Oversize::kCut, content)
      .map([&] { return ParseCmdline(content); });
}

Result<std::string_view> Process::ReadComm(std::string& content) const {
  return Read(directory_, {"comm", "/proc/PID/comm"}, kFileMax, Oversize::kFail,
              content)
      .map([&] { return ParseComm(content); });
}

Result<std::string_view> Process::ReadExe(std::string& content) const {
  content.resize(PATH_MAX);
  const ssize_t size =
      readlinkat(directory_.get(), "exe", content.data(), content.size());
  if (size < 0) {
    return tl::unexpected(
        Error{.file = "/proc/PID/exe", .system_error = errno});
  }
  content.resize(static_cast<size_t>(size));
  return ParseExe(content);
}

}  // namespace resource_attribution::procfs
