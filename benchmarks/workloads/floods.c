/* SPDX-License-Identifier: Apache-2.0 */
/* As user UID, until it is killed:
   floods open UID PATH PROCESSES        each process opens and closes PATH
   floods sessions UID PATH PROCESSES    the same, each in a session of its own: a group of the scheduler (autogroup)
   floods fork UID PATH PROCESSES        so do these, but each forks after 20 opens and ends: its child goes on
   floods short UID PATH COUNT           COUNT processes one after another that open PATH once each; then it ends
   floods busy UID PATH PROCESSES RATE   so many opens a second by all of them together, evenly; then each writes what it made
   `busy` ends with SIGTERM to its group and prints the sum. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;
static void end(int number) { (void)number; ended = 1; }

static void once(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd >= 0) close(fd);
}

static void forking(const char *path) {
  for (;;) {
    for (int i = 0; i < 20; i++) once(path);
    if (fork() > 0) _exit(0);
  }
}

static void busy(const char *path, long processes, double rate, volatile long *made) {
  long nanoseconds = 1e9 * processes / rate;
  struct timespec pause = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  while (!ended) {
    once(path);
    *made += 1;
    nanosleep(&pause, NULL);
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int uid = atoi(argv[2]);
  const char *path = argv[3];
  long number = atol(argv[4]);
  if (setgid(uid) || setuid(uid)) return 3;
  if (!strcmp(argv[1], "short")) {
    for (long i = 0; i < number; i++) {
      if (fork() == 0) { once(path); _exit(0); }
      wait(NULL);
    }
    return 0;
  }
  volatile long *made = mmap(NULL, sizeof(long) * number, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (argc > 5) signal(SIGTERM, end);
  for (long i = 0; i < number; i++)
    if (fork() == 0) {
      if (!strcmp(argv[1], "fork")) forking(path);
      if (!strcmp(argv[1], "sessions")) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it leaves the process group, which is killed at the end */
        setsid();
      }
      if (argc > 5) { busy(path, number, atof(argv[5]), &made[i]); _exit(0); }
      for (;;) once(path);
    }
  while (wait(NULL) > 0 || !ended && argc > 5) {}
  long sum = 0;
  for (long i = 0; i < number; i++) sum += made[i];
  printf("%ld\n", sum);
  return 0;
}
