/* SPDX-License-Identifier: Apache-2.0 */
/* one_call TIMES VERB ARGUMENT: one act, so often; prints the ns that each took, whether it succeeded or not.
     open PATH     open, and close where it was opened
     exec PATH     vfork and execve of a program, and its end; this one, without arguments, ends at once
     connect PORT  connect, of one socket, to a port of this machine at which no one listens
     reach -       connect to a server of its own, accept, and the end of the connection
     send PORT     a datagram to a port of this machine
     dup -         dup2 of a socket to a number that is no standard descriptor
     ptrace -      a request that finds no process */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *argument, *argv_of_child[2], *none[1];
static struct sockaddr_in to = {.sin_family = AF_INET};
static int socket_, server;

static void act_open(void) {
  int fd = open(argument, O_RDONLY);
  if (fd >= 0) close(fd);
}

static void act_exec(void) {
  pid_t child = vfork();
  if (!child) {
    execve(argument, argv_of_child, none);
    _exit(1);
  }
  waitpid(child, 0, 0);
}

static void act_connect(void) { (void)!connect(socket_, (struct sockaddr *)&to, sizeof to); }

static void act_send(void) { (void)!sendto(socket_, "x", 1, 0, (struct sockaddr *)&to, sizeof to); }

static void act_reach(void) {
  int client = socket(AF_INET, SOCK_STREAM, 0);
  if (!connect(client, (struct sockaddr *)&to, sizeof to)) close(accept(server, 0, 0));
  close(client);
}

static void act_dup(void) { dup2(socket_, 100); }

static void act_ptrace(void) { ptrace(PTRACE_CONT, 0, 0, 0); }

static void listen_somewhere(void) {
  socklen_t size = sizeof to;
  server = socket(AF_INET, SOCK_STREAM, 0);
  to.sin_port = 0;
  if (bind(server, (struct sockaddr *)&to, size) || listen(server, 16) || getsockname(server, (struct sockaddr *)&to, &size)) exit(1);
}

static const struct { const char *verb; void (*act)(void); } acts[] = {
  {"open", act_open}, {"exec", act_exec}, {"connect", act_connect}, {"reach", act_reach}, {"send", act_send},
  {"dup", act_dup}, {"ptrace", act_ptrace},
};

static long long now(void) {
  struct timespec found;
  clock_gettime(CLOCK_MONOTONIC, &found);
  return found.tv_sec * 1000000000LL + found.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc == 1) return 0; /* the program that ends at once */
  if (argc != 4) return 2;
  long times = atol(argv[1]);
  void (*act)(void) = 0;
  for (unsigned i = 0; i < sizeof acts / sizeof *acts; i++)
    if (!strcmp(argv[2], acts[i].verb)) act = acts[i].act;
  if (!act) return 2;
  argument = argv_of_child[0] = argv[3];
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(atoi(argument));
  socket_ = socket(AF_INET, act == act_connect ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (act == act_reach) listen_somewhere();
  long long begin = now();
  for (long left = times; left > 0; left--) act();
  printf("%lld\n", (now() - begin) / times);
  return 0;
}
