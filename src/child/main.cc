// The sampler process: a child of the daemon that makes the passes. The daemon
// starts it with a pipe for its requests as standard input, with memory for a
// note of what is being read as standard output, and with a pipe for the
// replies. It ends with the daemon.

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

#include "child/confine.h"
#include "child/pipe.h"
#include "child/server.h"
#include "procfs/being_read.h"

namespace {

using namespace resource_attribution;  // NOLINT(google-build-using-namespace)

// A service manager or a terminal signals all processes of the daemon. This one
// ends when the daemon closes the pipes, be it while this one writes (SIGPIPE).
void IgnoreSignals() {
  for (const int signal :
       {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2}) {
    ::signal(signal, SIG_IGN);
  }
}

procfs::BeingRead* note = nullptr;

// The daemon cannot learn the status of this process if it ignores SIGCHLD, as
// collectd does.
void NoteFatalSignal(int signal) {
  note->fatal_signal = signal;
  raise(signal);  // with its default action now, SA_RESETHAND
}

void NoteFatalSignals() {
  // The runtime of a sanitizer has handlers of its own.
  if (RESOURCE_ATTRIBUTION_SANITIZED) return;
  struct sigaction action {};
  action.sa_handler = NoteFatalSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS}) {
    sigaction(signal, &action, nullptr);
  }
}

bool MapNote() {
  void* memory = mmap(nullptr, sizeof(procfs::BeingRead),
                      PROT_READ | PROT_WRITE, MAP_SHARED, child::kNote, 0);
  if (memory == MAP_FAILED) return false;
  note = static_cast<procfs::BeingRead*>(memory);
  procfs::TakeNotesIn(*note);
  return true;
}

int Serve() {
  child::Server server(procfs::Daemon::kParent, child::Confine);
  child::Incoming request;
  while (child::Receive(child::kRequests, request)) {
    if (!child::Send(child::kReplies, server.Answer(request.message()))) break;
  }
  return 0;
}

}  // namespace

int main() {
  IgnoreSignals();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!MapNote()) {
    std::fputs(
        "resource_attribution_sampler: collectd's plugin "
        "resource_attribution starts this program; it has no other "
        "use\n",
        stderr);
    return 2;
  }
  NoteFatalSignals();
  dup2(STDERR_FILENO, STDOUT_FILENO);
  // What other plugins of the daemon have left open.
  closefrom(child::kReplies + 1);
  child::RaiseFileLimit();
  return Serve();
}
