/* A library to be preloaded: reads TRAP, reports its acts on the descriptor REPORT, and lives on. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void reads(void) {
  const char *trap = getenv("TRAP"), *to = getenv("REPORT");
  if (!trap || !to) return;
  int report = atoi(to), file;
  char byte;
  (void)!write(report, "B", 1);
  file = open(trap, O_RDONLY);
  if (file >= 0 && read(file, &byte, 1) > 0) (void)!write(report, "R", 1);
  sleep(5);
  (void)!write(report, "S", 1);
  _exit(0);
}
