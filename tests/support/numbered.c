/* SPDX-License-Identifier: Apache-2.0 */
/* numbered RATE EVERY FOLDER AHEAD: call creat RATE times a second, in a folder that does not exist, until the standard
   input ends; each EVERYth name is hit-1, hit-2 …, all others are `miss`. Then print how many were hits, and all calls.
   Each byte of the input acknowledges a hit: the program waits while AHEAD hits lack one (0: it never waits). */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BURSTS = 100 }; /* a second */

static long acknowledged;

/* Read the available input, or, if `wait`, wait for input; return true if it has ended. */
static bool ended(bool wait) {
  char some[4096];
  struct pollfd input = {.fd = 0, .events = POLLIN};
  if (poll(&input, 1, wait ? -1 : 0) == 0) return false;
  ssize_t count = read(0, some, sizeof some);
  if (count > 0) acknowledged += count;
  return count <= 0;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  long rate = atol(argv[1]), every = atol(argv[2]), ahead = atol(argv[4]), calls = 0, hits = 0;
  char miss[4096], hit[4096];
  snprintf(miss, sizeof miss, "%s/miss", argv[3]);
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (;;) {
    bool waits = ahead && hits - acknowledged >= ahead;
    if (ended(waits)) break;
    if (waits) {
      clock_gettime(CLOCK_MONOTONIC, &next); /* missed calls are not made up for */
      continue;
    }
    for (long i = 0; i < rate / BURSTS; i++) {
      if (++calls % every == 0) {
        snprintf(hit, sizeof hit, "%s/hit-%ld", argv[3], ++hits);
        syscall(SYS_creat, hit, 0600);
      } else {
        syscall(SYS_creat, miss, 0600);
      }
    }
    next.tv_nsec += 1000000000 / BURSTS;
    if (next.tv_nsec >= 1000000000) {
      next.tv_nsec -= 1000000000;
      next.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  printf("%ld %ld\n", hits, calls);
  return 0;
}
