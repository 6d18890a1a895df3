/* interrupted TRIES: makes files with O_EXCL while a timer interrupts every 300 us, by a handler that restarts no call; prints
   how many opens failed. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static void ignore(int number) { (void)number; }

int main(int count, char **words) {
  struct sigaction action = {.sa_handler = ignore};
  struct itimerval often = {{0, 300}, {0, 300}};
  int tries = count > 1 ? atoi(words[1]) : 0, failed = 0;
  sigaction(SIGALRM, &action, 0);
  setitimer(ITIMER_REAL, &often, 0);
  for (int one = 0; one < tries; one++) {
    int fd = open("made", O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (fd < 0) failed++;
    else close(fd);
    unlink("made");
  }
  printf("%d\n", failed);
  return 0;
}
