#include "child_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <stdexcept>

ChildProcess::ChildProcess(std::vector<Step> steps) {
  std::array<int, 2> commands{};
  std::array<int, 2> reports{};
  if (pipe2(commands.data(), O_CLOEXEC) != 0 ||
      pipe2(reports.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2");
  }
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const Step& step : steps) {
      step();
      char byte = 'x';
      if (write(reports[1], &byte, 1) != 1) _exit(1);
      if (read(commands[0], &byte, 1) != 1) _exit(1);
    }
    pause();
    _exit(0);
  }
  close(commands[0]);
  close(reports[1]);
  commands_ = commands[1];
  reports_ = reports[0];
  WaitForStep();
}

ChildProcess::~ChildProcess() {
  Kill();
  close(commands_);
  close(reports_);
}

void ChildProcess::Next() {
  Tell();
  WaitForStep();
}

void ChildProcess::Tell() {
  const char byte = 'x';
  if (write(commands_, &byte, 1) != 1) throw std::runtime_error("write");
}

void ChildProcess::WaitForStep() {
  char byte = 0;
  if (read(reports_, &byte, 1) < 0) throw std::runtime_error("read");
}

void ChildProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool HoldsInChild(const std::function<bool()>& holds) {
  const pid_t child = fork();
  if (child == 0) _exit(holds() ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

bool CanUnshare(int flags) {
  return HoldsInChild([flags] { return unshare(flags) == 0; });
}

bool CanChoosePid() {
  // The kernel asks for the capability when it is written to, not before.
  const std::string path = "/proc/sys/kernel/ns_last_pid";
  int pid = 0;
  std::ifstream(path) >> pid;
  std::ofstream last_pid(path);
  last_pid << pid << std::flush;
  return last_pid.good();
}

ChildProcess::Step Rename(const std::string& comm) {
  return [comm] { prctl(PR_SET_NAME, comm.c_str()); };
}

ChildProcess::Step ExecuteSleep(const std::string& argv0) {
  return [argv0] {
    execl("/bin/sleep", argv0.c_str(), "1000", nullptr);
    _exit(1);
  };
}

ChildProcess::Step BecomeUser(uid_t user) {
  return [user] {
    if (setuid(user) != 0) _exit(1);
  };
}

ChildProcess::Step Fork() {
  return [] {
    const pid_t parent = getpid();
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() == parent) pause();
      _exit(0);
    }
  };
}

void WriteComm(pid_t pid, const std::string& comm) {
  std::ofstream("/proc/" + std::to_string(pid) + "/comm") << comm;
}

std::string UniqueName(const std::string& suffix) {
  return "ra" + std::to_string(getpid()) + suffix;
}
