#ifndef RESOURCE_ATTRIBUTION_PROCFS_FILE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_FILE_H_

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

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

/// Memory for the content of files. It only grows, so that reading the same
/// kind of file again allocates nothing.
using Buffer = std::vector<char>;

/// What happens to a file that is larger than the limit.
enum class Oversize { kFail, kCut };

/// Reads the rest of `fd`. The result refers to `buffer`. If the file has more
/// than `limit` bytes, this fails with EFBIG, or cuts it there. `name` is for
/// the error.
Result<std::string_view> ReadAll(int fd, const char* name, size_t limit,
                                 Oversize oversize, Buffer& buffer);

/// Reads a file of `/proc/PID` from its beginning, likewise. If the buffer is
/// large enough, one pread(2) is enough: the kernel returns such a file as one
/// record, so a short read is all of it (seq_file, single_open).
Result<std::string_view> ReadProcFile(int fd, const char* name, size_t limit,
                                      Oversize oversize, Buffer& buffer);

/// Calls `take` with the name and the type (`d_type` of readdir(3)) of each
/// entry from the directory's file offset on. Unlike readdir(3) it allocates
/// nothing. `memory` holds some entries at a time, and is aligned as dirent64
/// is. `name` is for the error.
Result<void> ForEachEntry(int directory, const char* name,
                          std::span<char> memory, auto take) {
  while (true) {
    const ssize_t size = getdents64(directory, memory.data(), memory.size());
    if (size < 0) return Failed(name);
    if (size == 0) return {};
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(memory.data() + at);
      at += entry->d_reclen;
      take(std::string_view(entry->d_name), entry->d_type);
    }
  }
}

/// Fills `to` with the bytes of a regular file from `offset` on. False if it
/// has fewer or cannot be read.
bool ReadAt(int fd, uint64_t offset, std::span<char> to);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_FILE_H_
