#include "trace_sampling/replaced_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "procfs/file.h"

namespace resource_attribution::trace_sampling {
namespace {

using procfs::Failed;
using procfs::FileDescriptor;
using procfs::Result;

FileDescriptor OpenDirectory(const std::string& path) {
  return FileDescriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

ReplacedFile::ReplacedFile(std::string path, IsOurs is_ours)
    : path_(std::move(path)),
      directory_(path_.substr(0, path_.rfind('/') + 1)),
      name_(path_.substr(directory_.size())),
      new_name_('.' + name_ + ".resource_attribution"),
      is_ours_(is_ours) {}

Result<void> ReplacedFile::Check() const {
  const FileDescriptor directory = OpenDirectory(directory_);
  if (directory.get() < 0) return Failed(path_.c_str());
  return CheckIn(directory.get());
}

Result<void> ReplacedFile::Replace(std::string_view text) {
  if (written_ == text) return {};
  // If anything fails from here on, what is there is not certain.
  written_.reset();
  const FileDescriptor directory = OpenDirectory(directory_);
  if (directory.get() < 0) return Failed(path_.c_str());
  if (auto checked = CheckIn(directory.get()); !checked) return checked;
  if (auto done = WriteIn(directory.get(), text); !done) {
    unlinkat(directory.get(), new_name_.c_str(), 0);
    return done;
  }
  written_ = text;
  return {};
}

Result<void> ReplacedFile::CheckIn(int directory) const {
  const FileDescriptor file(
      openat(directory, name_.c_str(),
             O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0 && errno == ENOENT) return {};
  if (file.get() < 0 && errno != ELOOP) return Failed(path_.c_str());
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0 ||
      !S_ISREG(status.st_mode)) {
    return procfs::Invalid(
        path_.c_str(),
        "no file, or a regular file: no link, directory or device");
  }
  constexpr size_t kLargest = 16 << 20;
  procfs::Buffer buffer;
  const auto text = procfs::ReadAll(file.get(), path_.c_str(), kLargest,
                                    procfs::Oversize::kCut, buffer);
  if (!text) return tl::unexpected(text.error());
  if (is_ours_(*text)) return {};
  return procfs::Invalid(
      path_.c_str(),
      "no file, or one that the plugin wrote; it replaces no other");
}

// The name of the new file may be left from a daemon that was killed.
Result<void> ReplacedFile::WriteIn(int directory, std::string_view text) const {
  constexpr mode_t kMode = 0644;
  const char* const name = new_name_.c_str();
  unlinkat(directory, name, 0);
  const FileDescriptor file(
      openat(directory, name,
             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (file.get() < 0 || !WriteAll(file.get(), text) ||
      fchmod(file.get(), kMode) != 0 || fsync(file.get()) != 0 ||
      renameat(directory, name, directory, name_.c_str()) != 0) {
    return Failed(path_.c_str());
  }
  // The rename survives a power cut. If not, the old file is whole.
  fsync(directory);
  return {};
}

}  // namespace resource_attribution::trace_sampling
