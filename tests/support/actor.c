/* SPDX-License-Identifier: Apache-2.0 */
/* actor VERB ...: does what a verb says, under whatever name it was copied to.
     open SECONDS PATH     wait, then open PATH for reading
     spawn PROGRAM ARG ... run PROGRAM as a child and wait for it
     as UID PROGRAM ...    the same as another user
     connect ADDRESS PORT  connect by TCP, once */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(char **argv) {
  pid_t pid = fork();
  if (pid == 0) {
    execv(argv[0], argv);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  if (!strcmp(argv[1], "open")) {
    sleep((unsigned)atoi(argv[2]));
    return open(argv[3], O_RDONLY) < 0;
  }
  if (!strcmp(argv[1], "spawn")) return spawn(argv + 2);
  if (!strcmp(argv[1], "as")) {
    if (setuid((uid_t)atoi(argv[2]))) return 1;
    return spawn(argv + 3);
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[3]))};
  inet_pton(AF_INET, argv[2], &to.sin_addr);
  return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to) != 0;
}
