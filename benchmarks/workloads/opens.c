/* SPDX-License-Identifier: Apache-2.0 */
/* opens RATE SECONDS PROCESSES PATHS FOLDER
   RATE opens a second (0: as fast as it goes) by all PROCESSES together, evenly, of FOLDER/wanted-0 to PATHS - 1 in turn; with
   PATHS 0 of a new path each time. Prints how many were made, and in how many seconds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static long opens(double rate, double seconds, long paths, long process, const char *folder) {
  char path[4096];
  double begin = now();
  long made = 0;
  while (now() - begin < seconds) {
    long due = rate > 0 ? (long)((now() - begin) * rate) - made : 100;
    for (long i = 0; i < due; i++, made++) {
      if (paths) snprintf(path, sizeof path, "%s/wanted-%ld", folder, (made + process * 97) % paths);
      else snprintf(path, sizeof path, "%s/wanted-%ld-%ld", folder, process, made);
      int fd = open(path, O_RDONLY);
      if (fd >= 0) close(fd);
    }
    struct timespec pause = {0, 1000000};
    if (rate > 0) nanosleep(&pause, NULL);
  }
  return made;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  double rate = atof(argv[1]), seconds = atof(argv[2]), begin = now();
  long processes = atol(argv[3]), paths = atol(argv[4]), total = 0;
  long *made = mmap(NULL, processes * sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (made == MAP_FAILED) return 1;
  for (long i = 0; i < processes; i++)
    if (fork() == 0) {
      made[i] = opens(rate / processes, seconds, paths, i, argv[5]);
      _exit(0);
    }
  while (wait(NULL) > 0) {}
  for (long i = 0; i < processes; i++) total += made[i];
  printf("%ld %.3f\n", total, now() - begin);
  return 0;
}
