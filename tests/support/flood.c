/* SPDX-License-Identifier: Apache-2.0 */
/* flood COUNT: call userfaultfd COUNT times with flags that do not exist, then print how many calls were made. No other
   program of a busy machine makes this call, so all that mozu counts of it come from here. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  long count = atol(argv[1]), made = 0;
  for (long i = 0; i < count; i++) {
    syscall(SYS_userfaultfd, 1 << 30);
    made++;
  }
  printf("%ld\n", made);
  return 0;
}
