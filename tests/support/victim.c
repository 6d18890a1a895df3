/* SPDX-License-Identifier: Apache-2.0 */
/* victim WAY TRIES PATH: in each try a new process opens PATH to read a byte of it. Prints four numbers: tries, tries in
   which the call returned to the process, tries in which any process had a byte, and tries in which this program had to
   end a process.
     native     open, then read
     thread     the same, while a thread reads from the number that the descriptor will have
     sibling    the same, while a process that shares the table of descriptors (CLONE_FILES) reads so
     siblings   the same with three processes
     held       a child opens, and its tracer waits for its end (PTRACE_O_TRACEEXIT), to take the descriptor and read
     linked     io_uring: an open into a direct descriptor, linked with a read from it
     connect    connects to the port PATH of this machine, which sends a byte
     receiving  the same, while a thread reads from the socket
     attach     ptrace(PTRACE_ATTACH) to a child, and a byte of its memory */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 20000 }; /* ms */

enum { SHARERS = 3 };

static volatile struct { int ready, opened, read, sharers[SHARERS]; char byte; } *shared;
static int expected; /* the lowest number that is free */

static void take(int fd) {
  if (read(fd, (void *)&shared->byte, 1) == 1) shared->read = 1;
}

static void *reader(void *unused) {
  shared->ready = 1;
  while (!shared->read) take(expected);
  return unused;
}

static int sharer(void *unused) {
  reader(unused);
  pause();
  return 0;
}

static void open_and_read(const char *path) {
  int fd = open(path, O_RDONLY);
  shared->opened = 1;
  take(fd);
  pause();
}

/* The caller is the tracer of a child that opens. */
static void hold(const char *path) {
  int status = 0;
  pid_t victim = shared->sharers[0] = fork();
  if (!victim) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    open_and_read(path);
  }
  waitpid(victim, 0, 0);
  ptrace(PTRACE_SETOPTIONS, victim, 0, PTRACE_O_TRACEEXIT);
  do ptrace(PTRACE_CONT, victim, 0, 0);
  while (waitpid(victim, &status, 0) == victim && WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_EXIT);
  int fd = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, victim, 0), expected, 0);
  (void)!pread(fd, (void *)&shared->byte, 1, 0);
}

static void open_linked(const char *path) {
  struct io_uring_params params = {0};
  int none = -1, ring = (int)syscall(__NR_io_uring_setup, 4, &params);
  char *rings = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entries = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
  syscall(__NR_io_uring_register, ring, IORING_REGISTER_FILES, &none, 1);
  entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (unsigned long)path,
                                     .file_index = 1, .flags = IOSQE_IO_LINK};
  entries[1] = (struct io_uring_sqe){.opcode = IORING_OP_READ, .addr = (unsigned long)&shared->byte, .len = 1,
                                     .flags = IOSQE_FIXED_FILE};
  unsigned *array = (unsigned *)(rings + params.sq_off.array);
  array[0] = 0;
  array[1] = 1;
  __atomic_store_n((unsigned *)(rings + params.sq_off.tail), 2, __ATOMIC_RELEASE);
  syscall(__NR_io_uring_enter, ring, 2, 2, IORING_ENTER_GETEVENTS, 0, 0);
  shared->opened = 1;
  pause();
}

static void connect_and_read(const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  connect(expected, (struct sockaddr *)&to, sizeof to);
  shared->opened = 1;
  take(expected);
  pause();
}

static void attach_and_read(void) {
  static volatile long secret = 'x';
  pid_t child = fork();
  if (!child) for (;;) pause();
  long failed = ptrace(PTRACE_ATTACH, child, 0, 0);
  shared->opened = 1;
  waitpid(child, 0, 0);
  if (!failed) shared->byte = (char)ptrace(PTRACE_PEEKDATA, child, (void *)&secret, 0);
  pause();
}

static void attempt(const char *way, const char *path) {
  static char stack[1 << 16];
  pthread_t thread;
  int connects = !strcmp(way, "connect") || !strcmp(way, "receiving");
  expected = connects ? socket(AF_INET, SOCK_STREAM, 0) : dup(0);
  if (!connects) close(expected);
  if (!strcmp(way, "thread") || !strcmp(way, "receiving")) pthread_create(&thread, 0, reader, 0);
  else if (strncmp(way, "sibling", 7)) shared->ready = 1;
  else
    for (int i = 0; i < (way[7] ? SHARERS : 1); i++)
      shared->sharers[i] = clone(sharer, stack + sizeof stack, CLONE_FILES, 0);
  while (!shared->ready) sched_yield();
  if (!strcmp(way, "linked")) open_linked(path);
  else if (connects) connect_and_read(path);
  else if (!strcmp(way, "held")) hold(path);
  else if (!strcmp(way, "attach")) attach_and_read();
  else open_and_read(path);
}

/* Wait for the end of a process; return 1 if it comes within PATIENCE. */
static int has_ended(pid_t pid) {
  struct pollfd watched = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
  if (watched.fd < 0) return 1;
  int ended = poll(&watched, 1, PATIENCE) == 1;
  close(watched.fd);
  return ended;
}

/* End what is left of a try, which is in its own process group; return 1 if a process had to be ended here. */
static int wait_for(pid_t pid) {
  int ended = has_ended(pid);
  if (!ended) kill(pid, SIGKILL);
  waitpid(pid, 0, 0);
  for (int i = 0; i < SHARERS; i++)
    if (shared->sharers[i]) ended &= has_ended(shared->sharers[i]);
  kill(-pid, SIGKILL);
  return !ended;
}

int main(int argc, char **argv) {
  int tries = atoi(argv[2]), opened = 0, had = 0, left = 0;
  if (argc != 4) return 2;
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < tries; i++) {
    memset((void *)shared, 0, sizeof *shared);
    pid_t pid = fork();
    if (!pid) {
      setpgid(0, 0);
      attempt(argv[1], argv[3]);
      _exit(0);
    }
    setpgid(pid, pid);
    left += wait_for(pid);
    opened += shared->opened;
    had += shared->byte != 0;
  }
  printf("%d %d %d %d\n", tries, opened, had, left);
  return 0;
}
