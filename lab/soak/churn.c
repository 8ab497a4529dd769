// Starts processes that end soon, RATE a second, until its standard input ends:
//
//   churn RATE TAG
//
// Most end at once, some under another command name. One of 25 executes a
// program three times first. One of 50 becomes `soak-flicker TAG`, has one of
// twenty names and stays for up to two seconds; of these, it writes "+ PID
// TIME" with the time before they were started, and "- PID TIME" with one at
// which they had ended. Its last line is how many it started.

#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxPid = 1 << 22, kExecs = 3 };

static char is_flicker[kMaxPid + 1];

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void Rename(const char* tag, int number) {
  char name[16];
  snprintf(name, sizeof(name), "%.9s-x%d", tag, number % 20);
  prctl(PR_SET_NAME, name);
}

static void Collect(int options) {
  pid_t pid;
  while ((pid = waitpid(-1, NULL, options)) > 0) {
    if (is_flicker[pid]) printf("- %d %.6f\n", pid, Now());
    is_flicker[pid] = 0;
  }
}

static void Start(const char* tag, int number) {
  const int flickers = number % 50 == 0;
  const double before = Now();
  const pid_t pid = fork();
  if (pid < 0) {
    perror("churn: fork");
    exit(1);
  }
  if (pid > 0) {
    is_flicker[pid] = (char)flickers;
    if (flickers) printf("+ %d %.6f\n", pid, before);
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (flickers) execl("/proc/self/exe", "soak-flicker", tag, NULL);
  if (number % 25 == 1) execl("/proc/self/exe", "soak-chain", "", NULL);
  if (number % 5 == 2) Rename(tag, number);
  _exit(0);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[0], "soak-flicker") == 0) {
    srand((unsigned)getpid() ^ (unsigned)time(NULL));
    Rename(argv[1], rand());
    usleep((useconds_t)(rand() % 2000000));
    return 0;
  }
  if (argc > 1 && strcmp(argv[0], "soak-chain") == 0) {
    if (strlen(argv[1]) == kExecs - 1) return 0;
    char longer[kExecs];
    snprintf(longer, sizeof(longer), "%s.", argv[1]);
    execl("/proc/self/exe", "soak-chain", longer, NULL);
    return 1;
  }
  if (argc != 3 || atoi(argv[1]) <= 0) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  const double pause = 1.0 / atoi(argv[1]);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  double begun = Now();
  int started = 0;
  while (1) {
    const double left = begun + started * pause - Now();
    if (poll(&input, 1, left > 0 ? (int)(left * 1000) + 1 : 0) != 0) break;
    for (int i = 0; i < 20 && begun + started * pause <= Now(); ++i) {
      Start(argv[2], started++);
    }
    // On a machine that is too busy it does not make up for what it missed.
    const double late = Now() - (begun + started * pause);
    if (late > 0.2) begun += late;
    Collect(WNOHANG);
  }
  Collect(0);
  printf("%d\n", started);
  return 0;
}
