// What reading costs at the least: one pread(2) of `stat` and one of `status`
// for each process that has a command name, on files that are kept open.
//
//   floor NAME-PREFIX INTERVAL-MS
//
// Prints how many processes these are, and reads until it is killed.

#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static char buffer[4096];

static int Open(const char* pid, const char* file) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, file);
  return open(path, O_RDONLY | O_CLOEXEC);
}

static int HasName(const char* pid, const char* prefix) {
  const int fd = Open(pid, "comm");
  if (fd < 0) return 0;
  const ssize_t size = read(fd, buffer, sizeof(buffer) - 1);
  close(fd);
  buffer[size > 0 ? size : 0] = '\0';
  return strncmp(buffer, prefix, strlen(prefix)) == 0;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  static int files[200000];
  int count = 0;
  DIR* proc = opendir("/proc");
  const struct dirent* entry;
  while (proc != NULL && (entry = readdir(proc)) != NULL) {
    if (!isdigit((unsigned char)entry->d_name[0]) ||
        !HasName(entry->d_name, argv[1])) {
      continue;
    }
    files[count++] = Open(entry->d_name, "stat");
    files[count++] = Open(entry->d_name, "status");
  }
  printf("%d\n", count / 2);
  fflush(stdout);
  const long long interval_ns = atoll(argv[2]) * 1000000;
  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  while (1) {
    const long long next_ns = due.tv_nsec + interval_ns;
    due.tv_sec += next_ns / 1000000000;
    due.tv_nsec = next_ns % 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    for (int file = 0; file < count; ++file) {
      if (pread(files[file], buffer, sizeof(buffer), 0) <= 0) {
        perror("pread");
        return 1;
      }
    }
  }
}
