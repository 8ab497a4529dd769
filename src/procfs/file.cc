#include "procfs/file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace resource_attribution::procfs {
namespace {

// Large enough for `stat`, and for `status` except of processes with thousands
// of groups.
constexpr size_t kFirstRead = 4096;

ssize_t Retrying(auto read) {
  ssize_t got = 0;
  do {
    got = read();
  } while (got < 0 && errno == EINTR);
  return got;
}

// Fills `buffer` by calls of `read`, which gets the destination and the offset
// in the file, until `is_last` says that there is no more.
Result<std::string_view> Fill(auto read, auto is_last, const char* name,
                              size_t limit, Oversize oversize, Buffer& buffer) {
  // One byte more than the limit shows whether the file goes on.
  const size_t largest = limit + 1;
  if (buffer.size() < kFirstRead) buffer.resize(kFirstRead);
  size_t filled = 0;
  while (filled < largest) {
    if (filled == buffer.size()) buffer.resize(filled * 2);
    const size_t asked = std::min(buffer.size(), largest) - filled;
    const ssize_t got =
        Retrying([&] { return read(buffer.data() + filled, asked, filled); });
    if (got < 0) return Failed(name);
    filled += static_cast<size_t>(got);
    if (is_last(static_cast<size_t>(got), asked)) break;
  }
  if (filled > limit && oversize == Oversize::kFail) return Failed(name, EFBIG);
  return std::string_view(buffer.data(), std::min(filled, limit));
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<std::string_view> ReadAll(int fd, const char* name, size_t limit,
                                 Oversize oversize, Buffer& buffer) {
  return Fill([fd](char* to, size_t size,
                   size_t /*offset*/) { return read(fd, to, size); },
              [](size_t got, size_t /*asked*/) { return got == 0; }, name,
              limit, oversize, buffer);
}

Result<std::string_view> ReadProcFile(int fd, const char* name, size_t limit,
                                      Oversize oversize, Buffer& buffer) {
  return Fill(
      [fd](char* to, size_t size, size_t offset) {
        return pread(fd, to, size, static_cast<off_t>(offset));
      },
      [](size_t got, size_t asked) { return got < asked; }, name, limit,
      oversize, buffer);
}

bool ReadAt(int fd, uint64_t offset, std::span<char> to) {
  while (!to.empty()) {
    const ssize_t got = Retrying([&] {
      return pread(fd, to.data(), to.size(), static_cast<off_t>(offset));
    });
    if (got <= 0) return false;
    offset += static_cast<uint64_t>(got);
    to = to.subspan(static_cast<size_t>(got));
  }
  return true;
}

}  // namespace resource_attribution::procfs
