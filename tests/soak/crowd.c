/* SPDX-License-Identifier: Apache-2.0 */
/* crowd PROCESSES THREADS RATE REPLACED: keep PROCESSES processes of 1 + THREADS threads alive, begin RATE short ones a
   second and replace REPLACED of the others. Prints "half" and waits for a line, then "full", and after another line
   "calm": then nothing changes any more, and the number of begun processes follows. Ends when stdin ends.
   The processes run `crowd member NUMBER THREADS` and `crowd brief NUMBER`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *places[] = {"/", "/tmp", "/usr/bin", "/var"};
static long begun;

static void *idle(void *unused) { for (;;) pause(); return unused; }

static void run(const char *role, int number, int threads) {
  char text[16], count[16];
  snprintf(text, sizeof text, "%d", number);
  snprintf(count, sizeof count, "%d", threads);
  execl("/proc/self/exe", role, role, text, count, (char *)0);
  _exit(127);
}

static pid_t begin(const char *role, int number, int threads) {
  begun++;
  pid_t pid = vfork();
  if (!pid) run(role, number, threads);
  return pid;
}

/* Some members change directory, some execute another program, some leave an orphan to init; all wait. */
static void member(int number, int threads) {
  if (chdir(places[number % 4])) _exit(1);
  if (number % 11 == 0 && fork()) _exit(0);
  if (number % 13 == 0 && threads) { /* the same program once more, with another name */
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    execl("/proc/self/exe", "again", "member", text, "0", (char *)0);
  }
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  for (pthread_t thread; threads > 0; threads--) pthread_create(&thread, &small, idle, 0);
  if (number % 7 == 0 && chdir("/etc")) _exit(1);
  if (number % 5 == 0 && setuid(1 + number % 50)) _exit(1);
  idle(0);
}

static void brief(int number) {
  if (number % 10 == 0 && fork()) _exit(0);
  if (number % 3 == 0) close(open("/etc/hostname", O_RDONLY));
  _exit(number % 4);
}

int main(int argc, char **argv) {
  if (argc == 4 && !strcmp(argv[1], "member")) member(atoi(argv[2]), atoi(argv[3]));
  if (argc == 4 && !strcmp(argv[1], "brief")) brief(atoi(argv[2]));
  if (argc != 5) return 2;
  int processes = atoi(argv[1]), threads = atoi(argv[2]), rate = atoi(argv[3]), replaced = atoi(argv[4]), number = 0;
  pid_t *all = calloc(processes, sizeof *all);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  char line[8];
  signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < processes; i++) {
    if (i == processes / 2) {
      puts("half"), fflush(stdout);
      if (read(0, line, sizeof line) < 1) return 0;
    }
    all[i] = begin("member", number++, threads);
  }
  puts("full"), fflush(stdout);
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (long turn = 0; !poll(&input, 1, 0); turn++) {
    begin("brief", turn, 0);
    if (replaced && turn % (rate / replaced ? rate / replaced : 1) == 0) {
      int i = rand() % processes;
      kill(all[i], SIGKILL);
      all[i] = begin("member", number++, threads);
    }
    next.tv_nsec += 1000000000L / rate;
    if (next.tv_nsec >= 1000000000L) next.tv_nsec -= 1000000000L, next.tv_sec++;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
  }
  if (read(0, line, sizeof line) < 1) return 0;
  sleep(1); /* the last short ones end */
  printf("calm %ld\n", begun), fflush(stdout);
  return read(0, line, sizeof line) < 0;
}
