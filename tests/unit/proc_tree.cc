#include "proc_tree.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fs = std::filesystem;

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void Write(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = fs::temp_directory_path() / "resource_attribution.XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

NoDescriptors::NoDescriptors() {
  getrlimit(RLIMIT_NOFILE, &before_);
  const rlimit none{0, before_.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
}

NoDescriptors::~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

FileAccess::FileAccess(const std::string& path)
    : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (inotify_add_watch(fd_, path.c_str(), IN_OPEN) < 0) {
    throw std::runtime_error("inotify_add_watch");
  }
}

FileAccess::~FileAccess() { close(fd_); }

bool FileAccess::Happened() const {
  alignas(inotify_event) std::array<char, 4096> events{};
  return read(fd_, events.data(), events.size()) > 0;
}

namespace {

// What `stat` says of a process or a thread.
std::string StatOf(const FakeProcess& process, const FakeThread& thread) {
  std::ostringstream stat;
  stat << thread.tid << " (" << thread.comm << ") " << process.state << ' '
       << process.parent << " 1 1 0 -1 " << process.flags << " 0 0 0 0 "
       << thread.utime << ' ' << thread.stime << " 0 0 20 0 1 0 "
       << thread.start_time << " 4096 1";
  for (int field = 25; field < 50; ++field) stat << " 0";
  stat << ' ' << process.env_start << " 0 0\n";
  return stat.str();
}

void PutThread(const fs::path& directory, const FakeProcess& process,
               const FakeThread& thread) {
  const fs::path task = directory / "task" / std::to_string(thread.tid);
  fs::create_directories(task);
  Write(task / "stat", StatOf(process, thread));
  Write(task / "comm", thread.comm + "\n");
}

}  // namespace

ProcTree::ProcTree() { SetSelf(1); }

void ProcTree::Put(const FakeProcess& process) {
  const fs::path directory = directory_.path() / std::to_string(process.pid);
  fs::create_directories(directory);

  const FakeThread main{.tid = process.pid,
                        .comm = process.comm,
                        .utime = process.utime,
                        .stime = process.stime,
                        .start_time = process.start_time};
  Write(directory / "stat", StatOf(process, main));
  fs::remove_all(directory / "task");
  for (const FakeThread& thread : process.threads) {
    PutThread(directory, process, thread);
  }
  PutThread(directory, process, main);

  std::ostringstream status;
  const pid_t group =
      process.thread_group != 0 ? process.thread_group : process.pid;
  status << "Name:\tfake\nTgid:\t" << group << "\nUid:\t4242\t"
         << process.effective_user << "\t4242\t4242\n";
  if (process.has_memory && process.has_peaks) {
    status << "VmPeak:\t" << process.vm_peak_kb << " kB\nVmHWM:\t"
           << process.vm_hwm_kb << " kB\n";
  }
  if (process.has_memory) status << "VmRSS:\t" << process.vm_rss_kb << " kB\n";
  status << "Threads:\t1\n";
  Write(directory / "status", status.str());

  Write(directory / "comm", process.comm + "\n");
  Write(directory / "cmdline", process.cmdline);
  Write(directory / "environ", process.environ);
  Write(directory / "maps", process.maps);
  Write(directory / "cgroup", process.cgroup);
  Write(directory / "smaps_rollup", process.smaps_rollup);
  fs::remove(directory / "exe");
  if (!process.exe.empty()) fs::create_symlink(process.exe, directory / "exe");
}

void ProcTree::Remove(pid_t pid) {
  fs::remove_all(directory_.path() / std::to_string(pid));
}

void ProcTree::SetSelf(pid_t pid) {
  fs::remove(directory_.path() / "self");
  fs::create_symlink(std::to_string(pid), directory_.path() / "self");
}
