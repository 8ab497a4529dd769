#include "procfs/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace resource_attribution::procfs {
namespace {

// Holds `stat`, and `status` but for processes with thousands of groups.
constexpr size_t kFirstRead = 4096;

ssize_t ReadRetrying(int fd, char* buffer, size_t size) {
  ssize_t got = 0;
  do {
    got = read(fd, buffer, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<void> ReadAll(int fd, const char* name, size_t limit, Oversize oversize,
                     std::string& content) {
  // One byte above the limit tells a full file from one that goes on.
  const size_t largest = limit + 1;
  content.resize(std::min(kFirstRead, largest));
  size_t filled = 0;
  while (true) {
    const ssize_t got =
        ReadRetrying(fd, content.data() + filled, content.size() - filled);
    if (got < 0) {
      const int error = errno;
      content.clear();
      return tl::unexpected(Error{.file = name, .system_error = error});
    }
    filled += static_cast<size_t>(got);
    if (got == 0 || filled == largest) break;
    if (filled == content.size()) {
      content.resize(std::min(filled * 2, largest));
    }
  }
  if (filled > limit && oversize == Oversize::kFail) {
    content.clear();
    return tl::unexpected(Error{.file = name, .system_error = EFBIG});
  }
  content.resize(std::min(filled, limit));
  return {};
}

Result<void> ReadFile(int directory_fd, const char* name, size_t limit,
                      Oversize oversize, std::string& content) {
  const FileDescriptor file(openat(directory_fd, name, O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return tl::unexpected(Error{.file = name, .system_error = errno});
  }
  return ReadAll(file.get(), name, limit, oversize, content);
}

}  // namespace resource_attribution::procfs
