/* SPDX-License-Identifier: Apache-2.0 */
/* Prints that it runs, then waits until its standard input ends (or at once with "done" as argument). */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char byte = '.';
  if (argc > 0 && (!strcmp(argv[0], "by-thread") || !strcmp(argv[0], "inside"))) return 0;
  if (write(1, &byte, 1) != 1) return 1;
  while (read(0, &byte, 1) > 0);
  return 0;
}
