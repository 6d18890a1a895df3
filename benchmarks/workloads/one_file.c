/* SPDX-License-Identifier: Apache-2.0 */
/* one_file TIMES PATH: opens and closes one file, so often. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  for (long left = atol(argv[1]); left > 0; left--) {
    int fd = open(argv[2], O_RDONLY);
    if (fd < 0 || close(fd)) return 1;
  }
  return 0;
}
