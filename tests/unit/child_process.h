#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_CHILD_PROCESS_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

/// A real process that runs its steps one by one on command, and ends with its
/// test.
class ChildProcess {
 public:
  using Step = std::function<void()>;

  /// Runs the first step; returns when it is done.
  explicit ChildProcess(std::vector<Step> steps);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  /// Lets it run the next step; returns when that is done. A step that executes
  /// a program is done when the program runs.
  void Next();

  /// The same without waiting, for a step that does not come back.
  void Tell();

  /// Ends it; returns when it is gone.
  void Kill();

 private:
  void WaitForStep();

  pid_t pid_ = -1;
  int commands_ = -1;  // to the child
  int reports_ = -1;   // from the child; closed by an exec
};

/// The result of `holds` in a child process, which may change its own state.
bool HoldsInChild(const std::function<bool()>& holds);

/// Whether this process may make namespaces: CLONE_NEWNET and the like.
bool CanUnshare(int flags);

/// Whether it may choose the PID of the next process: ns_last_pid in proc(5).
bool CanChoosePid();

/// Steps.
ChildProcess::Step Rename(const std::string& comm);
ChildProcess::Step ExecuteSleep(const std::string& argv0);
ChildProcess::Step BecomeUser(uid_t user);
ChildProcess::Step Fork();

/// Renames another process, as writing to its `comm` does.
void WriteComm(pid_t pid, const std::string& comm);

/// A command name that no other process has.
std::string UniqueName(const std::string& suffix);

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_CHILD_PROCESS_H_
