#ifndef RESOURCE_ATTRIBUTION_PROCFS_FILE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_FILE_H_

#include <cstddef>
#include <string>
#include <utility>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// Owns an open file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

/// What ReadFile does with a file that is larger than its limit.
enum class Oversize { kFail, kCut };

/// Reads the file `name` below the directory `directory_fd` into `content`,
/// whose memory is reused. A file of more than `limit` bytes is EFBIG, or cut
/// there.
Result<void> ReadFile(int directory_fd, const char* name, size_t limit,
                      Oversize oversize, std::string& content);

/// Reads all that is left in `fd`, likewise; `name` is for the error only.
Result<void> ReadAll(int fd, const char* name, size_t limit, Oversize oversize,
                     std::string& content);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_FILE_H_
