// Starts processes that only wait, and ends them when its standard input does.
//
//   herd COUNT NAME [COUNT NAME]... [--storm RATE]
//
// `%` in a name becomes the number of the process. With --storm, RATE processes
// a second are started besides, each of which ends at once.

#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void Start(const char* name, int number) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    perror("fork");
    exit(1);
  }
  if (pid > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  char comm[16] = "";
  const char* percent = strchr(name, '%');
  if (percent == NULL) {
    snprintf(comm, sizeof(comm), "%s", name);
  } else {
    snprintf(comm, sizeof(comm), "%.*s%d", (int)(percent - name), name, number);
  }
  prctl(PR_SET_NAME, comm);
  close(STDIN_FILENO);
  close(STDOUT_FILENO);
  while (1) pause();
}

int main(int argc, char** argv) {
  int rate = 0;
  for (int at = 1; at + 1 < argc; at += 2) {
    if (strcmp(argv[at], "--storm") == 0) {
      rate = atoi(argv[at + 1]);
      continue;
    }
    const int count = atoi(argv[at]);
    for (int number = 0; number < count; ++number) Start(argv[at + 1], number);
  }
  puts("ready");
  fflush(stdout);

  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (poll(&input, 1, rate > 0 ? 1000 / rate : -1) == 0) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid(pid, NULL, 0);
  }
  return 0;
}
