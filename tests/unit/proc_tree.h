#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_PROC_TREE_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_PROC_TREE_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// The whole content of a file; fails the test when there is none.
std::string ContentOf(const std::filesystem::path& path);

void Write(const std::filesystem::path& path, const std::string& content);

/// A temporary directory that is removed with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// While it lives, this process cannot open anything.
class NoDescriptors {
 public:
  NoDescriptors();
  ~NoDescriptors();
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

/// Notices whether a process opens a file or directory, with inotify(7).
class FileAccess {
 public:
  explicit FileAccess(const std::string& path);
  ~FileAccess();
  FileAccess(const FileAccess&) = delete;
  FileAccess& operator=(const FileAccess&) = delete;

  bool Happened() const;

 private:
  int fd_;
};

/// A thread for a directory tree that looks like procfs.
struct FakeThread {
  pid_t tid = 0;
  std::string comm = "fake";
  uint64_t utime = 0;
  uint64_t stime = 0;
  uint64_t start_time = 1000;
};

/// A process for a directory tree that looks like procfs.
struct FakeProcess {
  pid_t pid = 0;
  std::string comm = "fake";
  char state = 'S';
  uint32_t flags = 0x400000;
  uint64_t utime = 0;
  uint64_t stime = 0;
  uint64_t start_time = 1000;
  uid_t effective_user = 0;
  pid_t thread_group = 0;  // 0: the same as pid
  bool has_memory = true;
  bool has_peaks = true;  // VmPeak and VmHWM
  uint64_t vm_peak_kb = 3000;
  uint64_t vm_hwm_kb = 2000;
  uint64_t vm_rss_kb = 1000;
  std::string cmdline = std::string("fake\0", 5);
  std::string exe = "/usr/bin/fake";
  pid_t parent = 1;
  std::string cgroup = "0::/\n";
  std::string smaps_rollup =
      "00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\n"
      "Rss:                1000 kB\n"
      "Pss:                 700 kB\n";
  std::vector<FakeThread> threads{};  // besides the main one
  std::string environ = std::string("HOME=/\0", 7);
  std::string maps{};
  uint64_t env_start = 1;
};

/// A directory tree that looks like the kernel's.
class ProcTree {
 public:
  /// Makes a tree without processes.
  ProcTree();

  std::string path() const { return directory_.path(); }

  /// Adds the process, or changes it.
  void Put(const FakeProcess& process);

  void Remove(pid_t pid);

  /// Makes `pid` the process that `self` names.
  void SetSelf(pid_t pid);

 private:
  TemporaryDirectory directory_;
};

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_PROC_TREE_H_
