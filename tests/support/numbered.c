/* SPDX-License-Identifier: Apache-2.0 */
/* numbered RATE EVERY FOLDER: call creat RATE times a second, in a folder that does not exist, until the standard input
   ends; each EVERYth name is hit-1, hit-2 …, all others are `miss`. Then print how many were hits, and all calls. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BURSTS = 100 }; /* a second */

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  long rate = atol(argv[1]), every = atol(argv[2]), calls = 0, hits = 0;
  char miss[4096], hit[4096];
  snprintf(miss, sizeof miss, "%s/miss", argv[3]);
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  while (poll(&input, 1, 0) == 0) {
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
