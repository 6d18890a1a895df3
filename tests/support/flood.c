/* SPDX-License-Identifier: Apache-2.0 */
/* flood COUNT PATH: open PATH (and close it) COUNT times with creat, which hardly anybody else uses, then print how many
   calls were made. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  long count = atol(argv[1]), made = 0;
  for (long i = 0; i < count; i++) {
    long fd = syscall(SYS_creat, argv[2], 0600);
    made++;
    if (fd >= 0) close((int)fd);
  }
  printf("%ld\n", made);
  return 0;
}
