/* SPDX-License-Identifier: Apache-2.0 */
/* victims PATH COUNT TOGETHER PAUSE: COUNT processes open PATH and wait; TOGETHER of them at the same moment, then, PAUSE ms
   after the last of these has been acted on, the next ones. Prints for each the nanoseconds from before its call until its
   parent sees that it was killed or stopped; -1 where that has not happened within 60 s. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 60 };

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void victim(const char *path, int gate, long *called) {
  char byte;
  (void)!read(gate, &byte, 1); /* its end of file: all go */
  *called = now();
  (void)!open(path, O_RDONLY);
  for (;;) pause();
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  long count = atol(argv[2]), together = atol(argv[3]), pause_ms = atol(argv[4]);
  long *called = mmap(NULL, count * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  long *ended = calloc(count, sizeof(long));
  pid_t *pids = calloc(count, sizeof(pid_t));
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  for (long first = 0; first < count; first += together) {
    int gate[2];
    if (pipe(gate)) return 3;
    long last = first + together < count ? first + together : count;
    for (long i = first; i < last; i++)
      if ((pids[i] = fork()) == 0) { close(gate[1]); victim(argv[1], gate[0], &called[i]); }
    poll(NULL, 0, pause_ms); /* they are no longer young, and their forks have been read */
    close(gate[0]);
    close(gate[1]);
    long left = last - first, until = now() + PATIENCE * 1000000000L;
    while (left > 0 && now() < until) {
      int status, pid;
      while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
        for (long i = first; i < last; i++)
          if (pids[i] == pid && !ended[i]) { ended[i] = now(); left--; break; }
      struct timespec second = {1, 0};
      if (left > 0) sigtimedwait(&child, NULL, &second);
    }
    for (long i = first; i < last; i++) {
      kill(pids[i], SIGKILL);
      waitpid(pids[i], NULL, 0);
      printf("%ld\n", ended[i] ? ended[i] - called[i] : -1L);
    }
  }
  return 0;
}
