#include "child/sampler_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "procfs/procfs.h"

namespace resource_attribution::child {
namespace {

using procfs::FileDescriptor;

// Missing in the C library of Debian 12.
constexpr auto kPidfdWait = static_cast<idtype_t>(3);  // P_PIDFD of waitid(2)

std::string Failed(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

// The descriptors of the child are replaced one by one in it: none of them may
// be the origin of another.
FileDescriptor AboveThoseOfChild(FileDescriptor fd) {
  if (fd.get() < 0 || fd.get() > kReplies) return fd;
  return FileDescriptor(fcntl(fd.get(), F_DUPFD_CLOEXEC, kReplies + 1));
}

struct Pipe {
  FileDescriptor reading{-1};
  FileDescriptor writing{-1};
};

// Returns 0 or an errno.
int MakePipe(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  pipe.reading = AboveThoseOfChild(std::move(reading));
  if (pipe.reading.get() < 0) return errno;
  pipe.writing = AboveThoseOfChild(std::move(writing));
  return pipe.writing.get() < 0 ? errno : 0;
}

// Memory that the child can write, but not cut.
FileDescriptor MakeNote() {
  FileDescriptor note = AboveThoseOfChild(FileDescriptor(
      memfd_create("resource_attribution", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (note.get() < 0 || ftruncate(note.get(), sizeof(procfs::BeingRead)) != 0 ||
      fcntl(note.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return FileDescriptor(-1);
  }
  return note;
}

// Whether a child has ended; collects its status, unless the daemon ignores
// SIGCHLD or another plugin was first.
bool HasEnded(int process) {
  siginfo_t info{};
  const int failed =
      waitid(kPidfdWait, static_cast<id_t>(process), &info, WEXITED | WNOHANG);
  return failed != 0 || info.si_pid != 0;
}

void WaitForEnd(int process, std::chrono::milliseconds patience) {
  pollfd polled{process, POLLIN, 0};
  while (poll(&polled, 1, static_cast<int>(patience.count())) < 0 &&
         errno == EINTR) {
  }
}

// The settings for posix_spawn(3).
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

}  // namespace

void SamplerProcess::UnmapNote::operator()(procfs::BeingRead* note) const {
  munmap(note, sizeof(*note));
}

SamplerProcess::SamplerProcess(std::string program)
    : program_(std::move(program)) {}

SamplerProcess::~SamplerProcess() {
  constexpr std::chrono::milliseconds kPatience{500};
  End(kPatience);
}

std::string SamplerProcess::Start() {
  constexpr size_t kEndingMax = 64;
  std::erase_if(ending_, [](const FileDescriptor& process) {
    return HasEnded(process.get());
  });
  if (ending_.size() >= kEndingMax) {
    return "the processes before it were killed and have not ended yet";
  }
  Pipe requests;
  Pipe replies;
  for (Pipe* pipe : {&requests, &replies}) {
    if (const int error = MakePipe(*pipe)) return Failed("pipe", error);
  }
  for (const FileDescriptor* ours : {&requests.writing, &replies.reading}) {
    if (fcntl(ours->get(), F_SETFL, O_NONBLOCK) != 0) {
      return Failed("fcntl", errno);
    }
  }
  const FileDescriptor note = MakeNote();
  if (note.get() < 0) return Failed("memfd_create", errno);
  void* memory = mmap(nullptr, sizeof(procfs::BeingRead),
                      PROT_READ | PROT_WRITE, MAP_SHARED, note.get(), 0);
  if (memory == MAP_FAILED) return Failed("mmap", errno);
  note_.reset(static_cast<procfs::BeingRead*>(memory));
  if (std::string failed =
          Spawn(requests.reading.get(), note.get(), replies.writing.get());
      !failed.empty()) {
    return failed;
  }
  requests_ = std::move(requests.writing);
  replies_ = std::move(replies.reading);
  requests_end_ = std::move(requests.reading);
  conversation_.Begin(requests_.get(), replies_.get());
  return "";
}

std::string SamplerProcess::Spawn(int requests, int note, int replies) {
  SpawnSettings settings;
  for (const auto& [from, to] :
       {std::pair(requests, kRequests), std::pair(note, kNote),
        std::pair(replies, kReplies)}) {
    posix_spawn_file_actions_adddup2(&settings.actions, from, to);
  }
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&settings.attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&settings.attributes, &signals);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // Not the path: it has the name of collectd, and the process would match a
  // block for the daemon by its command line.
  std::string name = program_.substr(program_.rfind('/') + 1);
  std::array<char*, 2> arguments{name.data(), nullptr};
  if (const int error =
          posix_spawn(&pid_, program_.c_str(), &settings.actions,
                      &settings.attributes, arguments.data(), environ)) {
    return Failed(program_, error);
  }
  FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (process.get() < 0) {
    const int error = errno;
    kill(pid_, SIGKILL);
    return Failed("pidfd_open, which needs Linux 5.4", error);
  }
  // If it ended at once and another plugin collected its status, this may be
  // another process.
  siginfo_t info{};
  if (waitid(kPidfdWait, static_cast<id_t>(process.get()), &info,
             WEXITED | WNOHANG | WNOWAIT) != 0) {
    return program_ + " ended at once";
  }
  process_ = std::move(process);
  return "";
}

bool SamplerProcess::IsRunning() const { return requests_.get() >= 0; }

Wait SamplerProcess::Ask(std::span<const char> request) {
  return OrInterrupted(conversation_.Ask(request));
}

Wait SamplerProcess::GoOn() { return OrInterrupted(conversation_.GoOn()); }

Wait SamplerProcess::OrInterrupted(Wait wait) const {
  return wait == Wait::kLate && interrupted_ ? Wait::kInterrupted : wait;
}

std::span<const char> SamplerProcess::reply() const {
  return conversation_.reply();
}

std::span<const char> SamplerProcess::KeepReply() {
  return conversation_.KeepReply();
}

SamplerProcess::Note SamplerProcess::BeingRead() const {
  if (note_ == nullptr) return {};
  // The process may write meanwhile, even if it should not.
  std::string file;
  for (const char byte : note_->file) {
    if (byte == '\0') break;
    file += byte;
  }
  return {.begun = note_->begun,
          .process = note_->process,
          .file = file,
          .fatal_signal = note_->fatal_signal};
}

SamplerProcess::State SamplerProcess::GetState() const {
  procfs::Buffer buffer;
  const auto proc = procfs::Procfs::Open("/proc");
  if (!proc) return State::kWaits;
  const auto stat = proc->GlanceAt(pid_).ReadStat(buffer);
  if (!stat) return State::kWaits;
  if (stat->state == 'R') return State::kRuns;
  return stat->state == 'T' || stat->state == 't' ? State::kStopped
                                                  : State::kWaits;
}

void SamplerProcess::End(std::chrono::milliseconds patience) {
  if (process_.get() < 0) return;
  FileDescriptor process = std::exchange(process_, FileDescriptor(-1));
  for (FileDescriptor* pipe : {&requests_, &replies_, &requests_end_}) {
    *pipe = FileDescriptor(-1);
  }
  constexpr std::chrono::milliseconds kMoment{100};
  WaitForEnd(process.get(), patience);
  syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  WaitForEnd(process.get(), kMoment);
  if (!HasEnded(process.get())) ending_.push_back(std::move(process));
}

}  // namespace resource_attribution::child
