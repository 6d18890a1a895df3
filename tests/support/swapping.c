/* swapping WAY TRIES ALLOWED DENIED: opens a path again and again while a thread changes its target, and prints how many
   opens could read the allowed file, how many could read the denied one, and how many failed with EPERM.

   text      the thread overwrites one path with the other
   truncate  the same, with opens that write, create and truncate: none reads
   link      the thread replaces a link (rename): LINK.new becomes LINK, where LINK is ALLOWED followed by ".link" */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[512], fresh[512];
static char *places[2];
static int by_link;
static atomic_int done;

static void lead_to(const char *place) {
  if (!by_link) {
    memcpy(path, place, strlen(place) + 1);
    return;
  }
  symlink(place, fresh);
  rename(fresh, path);
}

static void *swap(void *unused) {
  while (!done) {
    lead_to(places[1]);
    lead_to(places[0]);
  }
  return unused;
}

int main(int count, char **words) {
  int tries = atoi(words[2]), denied = 0, got[2] = {0, 0};
  pthread_t thread;
  int truncates = count > 4 && !strcmp(words[1], "truncate");
  int flags = truncates ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
  by_link = count > 4 && !strcmp(words[1], "link");
  places[0] = words[3];
  places[1] = words[4];
  if (by_link) {
    snprintf(path, sizeof path, "%s.link", places[0]);
    snprintf(fresh, sizeof fresh, "%s.new", path);
  }
  lead_to(places[0]);
  pthread_create(&thread, 0, swap, 0);
  for (int one = 0; one < tries; one++) {
    char first = 0;
    int fd = open(path, flags, 0600);
    if (fd >= 0 && (truncates || read(fd, &first, 1) == 1)) got[first == 'd']++;
    if (fd >= 0) close(fd);
    else if (errno == EPERM) denied++;
  }
  done = 1;
  pthread_join(thread, 0);
  printf("%d %d %d\n", got[0], got[1], denied);
  return 0;
}
