#include "discovery/pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "procfs/being_read.h"
#include "procfs/decimal.h"

namespace resource_attribution::discovery {

using procfs::Error;
using procfs::Failed;
using procfs::Result;

Result<pid_t> ParsePidFile(std::string_view bytes) {
  constexpr pid_t kPidMax = 4194304;
  constexpr std::string_view kBlanks = " \t\r";
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  const size_t first = line.find_first_not_of(kBlanks);
  if (first != std::string_view::npos) {
    line = line.substr(first, line.find_last_not_of(kBlanks) + 1 - first);
  }
  const auto pid = procfs::ParseDecimal<pid_t>(line);
  if (!pid || *pid < 1 || *pid > kPidMax) {
    return tl::unexpected(Error{
        .expected = "a process ID, 1 to 4194304, alone on the first line"});
  }
  return *pid;
}

Result<pid_t> ReadPidFile(const std::string& path, procfs::Buffer& buffer) {
  const procfs::Reading reading(path.c_str());
  const procfs::FileDescriptor file(open(
      path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (file.get() < 0 && errno != ELOOP) return Failed(path.c_str());
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return procfs::Invalid(path.c_str(),
                           "a regular file, no link, directory or device");
  }
  constexpr size_t kFirstLineMax = 64;
  return procfs::ReadAll(file.get(), path.c_str(), kFirstLineMax,
                         procfs::Oversize::kCut, buffer)
      .and_then([&](std::string_view content) {
        // A number that was cut would be a different number.
        const bool cut = content.size() == kFirstLineMax &&
                         content.find('\n') == std::string_view::npos;
        return ParsePidFile(cut ? std::string_view() : content);
      })
      .map_error([&](Error error) {
        error.file = path.c_str();
        return error;
      });
}

}  // namespace resource_attribution::discovery
