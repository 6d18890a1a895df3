/* SPDX-License-Identifier: Apache-2.0 */
/* calls open PROCESSES COUNT PATH   each process opens and closes PATH COUNT times
   calls exec COUNT PROGRAM          start PROGRAM COUNT times, one after another */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void opens(long count, const char *path) {
  for (long i = 0; i < count; i++) {
    int fd = open(path, O_RDONLY);
    if (fd >= 0) close(fd);
  }
}

int main(int argc, char **argv) {
  if (argc == 5 && !strcmp(argv[1], "open")) {
    int processes = atoi(argv[2]);
    for (int i = 0; i < processes; i++)
      if (fork() == 0) {
        opens(atol(argv[3]), argv[4]);
        _exit(0);
      }
    while (wait(NULL) > 0) {}
    return 0;
  }
  if (argc == 4 && !strcmp(argv[1], "exec")) {
    char *child[] = {argv[3], NULL}, *env[] = {NULL};
    for (long i = atol(argv[2]); i > 0; i--) {
      pid_t pid;
      if (posix_spawn(&pid, argv[3], NULL, NULL, child, env)) return 1;
      waitpid(pid, NULL, 0);
    }
    return 0;
  }
  return 2;
}
