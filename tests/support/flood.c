/* SPDX-License-Identifier: Apache-2.0 */
/* flood COUNT PATH: open PATH (and close it) COUNT times with openat2, which hardly anybody else uses, then print how
   many calls were made. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  struct open_how how = {.flags = O_RDONLY};
  long count = atol(argv[1]), made = 0;
  for (long i = 0; i < count; i++) {
    long fd = syscall(SYS_openat2, AT_FDCWD, argv[2], &how, sizeof how);
    made++;
    if (fd >= 0) close((int)fd);
  }
  printf("%ld\n", made);
  return 0;
}
