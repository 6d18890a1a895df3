/* Attempts to read a trap and to pass for a spared process (tests/trust): as a program, `trust WAY`, or as a library that
   another program is made to load. The trap is MOZU_TRAP. The attempt reports on the descriptor MOZU_REPORT: `B` it
   begins, `R` a byte was read, `N` no byte was read, `X` it is not possible here; then `S` if the process has lived on
   for a while. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIVES_MS 1500

static void say(char letter) { if (write(atoi(getenv("MOZU_REPORT")), &letter, 1) < 0) _exit(3); }

static inline void impossible(void) {
  say('X');
  _exit(0);
}

static void live_on(void) {
  struct timespec rest = {LIVES_MS / 1000, LIVES_MS % 1000 * 1000000};
  while (nanosleep(&rest, &rest)) continue;
  say('S');
  _exit(0);
}

static int bytes_of_trap(void) {
  char byte;
  say('B');
  int file = open(getenv("MOZU_TRAP"), O_RDONLY | O_CLOEXEC);
  return file < 0 ? 0 : read(file, &byte, 1) == 1;
}

static void attempt(void) {
  say(bytes_of_trap() ? 'R' : 'N');
  live_on();
}

/* --- as a library: LD_PRELOAD, LD_AUDIT, LD_LIBRARY_PATH */

#ifdef LIBRARY
unsigned la_version(unsigned version) { return version; }
__attribute__((constructor)) static void loaded(void) { attempt(); }
#else

extern char **environ;

static void run(const char *program, char *const argv[]) {
  execve(program, argv, environ);
  impossible();
}

static void itself(const char *as) { run(as, (char *[]){(char *)as, "plain", NULL}); }

static void copy_to(int out) {
  static char block[1 << 16];
  int in = open("/proc/self/exe", O_RDONLY);
  for (ssize_t got; (got = read(in, block, sizeof block)) > 0;)
    if (write(out, block, got) != got) impossible();
  close(in);
  close(out);
}

static void copied(const char *name) {
  char place[] = "/tmp/mozu-trust-own-XXXXXX", path[128];
  if (!mkdtemp(place)) impossible();
  snprintf(path, sizeof path, "%s/%s", place, name);
  int out = open(path, O_WRONLY | O_CREAT, 0755);
  copy_to(out);
  pid_t child = fork();
  if (!child) itself(path);
  waitpid(child, NULL, 0);
  unlink(path);
  rmdir(place);
}

static void in_memory(void) {
  int file = memfd_create("dbus-daemon", 0);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  copy_to(dup(file));
  int again = open(path, O_RDONLY);
  snprintf(path, sizeof path, "/proc/self/fd/%d", again);
  close(file);
  itself(path);
}

static void deleted(void) {
  char path[] = "/tmp/mozu-trust-own-XXXXXX";
  int out = mkstemp(path);
  if (out < 0 || fchmod(out, 0755)) impossible();
  copy_to(out);
  int in = open(path, O_RDONLY);
  unlink(path);
  snprintf(path, sizeof path, "/proc/self/fd/%d", in);
  itself(path);
}

static void hard_link(const char *program, const char *library) {
  char place[] = "/tmp/mozu-trust-own-XXXXXX", path[128];
  if (!mkdtemp(place)) impossible();
  snprintf(path, sizeof path, "%s/dbus-daemon", place);
  if (link(program, path)) {
    rmdir(place);
    impossible();
  }
  setenv("LD_PRELOAD", library, 1);
  run(path, (char *[]){path, "--session", NULL});
}

static void named(void) {
  prctl(PR_SET_NAME, "systemd");
  attempt();
}

static void write_text(const char *path, const char *text) {
  int file = open(path, O_WRONLY);
  if (file < 0 || write(file, text, strlen(text)) < 0) impossible();
  close(file);
}

/* Become root of a user namespace, with the other requested namespaces. */
static void become_root(int more) {
  char map[64];
  uid_t own = getuid();
  gid_t group = getgid();
  if (unshare(CLONE_NEWUSER | more)) impossible();
  write_text("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %d 1", own);
  write_text("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "0 %d 1", group);
  write_text("/proc/self/gid_map", map);
}

static void waited(pid_t child) {
  waitpid(child, NULL, 0);
  _exit(0);
}

/* A file system in memory gives inodes their numbers in order: files are made until one has that of `program`. */
static void forge_inode(const char *program, const char *place) {
  struct stat wanted, found;
  char path[128];
  stat(program, &wanted);
  become_root(CLONE_NEWNS);
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("mozu", place, "tmpfs", 0, "mode=755")) impossible();
  snprintf(path, sizeof path, "%s/dbus-daemon", place);
  for (;;) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    if (file < 0 || fstat(file, &found) || found.st_ino > wanted.st_ino) impossible();
    if (found.st_ino == wanted.st_ino) {
      copy_to(file);
      itself(path);
    }
    close(file);
    unlink(path);
  }
}

/* --- the trap by another path, in private namespaces */

static char folder_of_trap[256], name_of_trap[256];

static void split_trap(void) {
  const char *trap = getenv("MOZU_TRAP"), *slash = strrchr(trap, '/');
  snprintf(folder_of_trap, sizeof folder_of_trap, "%.*s", (int)(slash - trap), trap);
  snprintf(name_of_trap, sizeof name_of_trap, "%s", slash);
}

static void mounted_at(const char *place, int more) {
  split_trap();
  become_root(CLONE_NEWNS | more);
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) impossible();
  if (mount(folder_of_trap, place, NULL, MS_BIND | MS_REC, NULL)) impossible();
}

static void mounted_elsewhere(const char *place) {
  char path[512];
  mounted_at(place, 0);
  snprintf(path, sizeof path, "%s%s", place, name_of_trap);
  setenv("MOZU_TRAP", path, 1);
  attempt();
}

static void in_chroot(void) {
  split_trap();
  become_root(0);
  if (chroot(folder_of_trap) || chdir("/")) impossible();
  setenv("MOZU_TRAP", name_of_trap, 1);
  attempt();
}

static void in_pivoted_root(const char *place) {
  mounted_at(place, 0);
  if (chdir(place) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/")) impossible();
  setenv("MOZU_TRAP", name_of_trap, 1);
  attempt();
}

static void detached_mount(void) { /* open_tree(2): a mount that is not attached */
  split_trap();
  become_root(CLONE_NEWNS);
  int tree = syscall(SYS_open_tree, AT_FDCWD, folder_of_trap, 1 /* OPEN_TREE_CLONE */);
  if (tree < 0 || fchdir(tree)) impossible();
  setenv("MOZU_TRAP", name_of_trap + 1, 1);
  attempt();
}

static void in_time_namespace(void) {
  become_root(CLONE_NEWTIME);
  write_text("/proc/self/timens_offsets", "boottime 3600 0");
  pid_t child = fork();
  if (!child) attempt();
  waited(child);
}

static void in_pid_namespace(void) {
  become_root(CLONE_NEWPID);
  pid_t child = fork();
  if (!child) attempt();
  waited(child);
}

/* A pid namespace whose numbers are few (Linux 6.14): the attempt has the number of one that has just ended. */
static void in_wrapped_pids(void) {
  become_root(CLONE_NEWPID | CLONE_NEWNS);
  const pid_t again = 300; /* RESERVED_PIDS: the first number after a wrap */
  pid_t first = fork(), child;
  if (first) waited(first);
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL)) impossible();
  write_text("/proc/sys/kernel/pid_max", "302");
  for (int turn = 0; turn < 2000; turn++) {
    if (!(child = fork())) {
      if (getpid() == again && turn > 600) attempt();
      _exit(0);
    }
    waitpid(child, NULL, 0);
    if (child == again && turn > 600) return;
  }
  impossible();
}

static void orphaned(char *const argv[]) {
  if (fork()) _exit(0);
  setsid();
  while (getppid() != 1) usleep(1000);
  if (!argv[0]) attempt();
  run(argv[0], argv);
}

/* --- other tasks that share memory or descriptors with the caller */

static volatile char shared_byte;
static char stack[1 << 16] __attribute__((aligned(16)));

static int open_and_read(void *unused) { /* and lives on: mozu may take its time */
  char byte = 0;
  (void)unused;
  say('B');
  int file = open(getenv("MOZU_TRAP"), O_RDONLY);
  if (read(file, &byte, 1) == 1) shared_byte = 'R';
  struct timespec rest = {LIVES_MS / 1000, LIVES_MS % 1000 * 1000000};
  while (nanosleep(&rest, &rest)) continue;
  return 0;
}

static int only_open(void *unused) {
  (void)unused;
  say('B');
  return open(getenv("MOZU_TRAP"), O_RDONLY) < 0;
}

static int open_and_live(void *unused) {
  only_open(unused);
  struct timespec rest = {LIVES_MS / 1000, LIVES_MS % 1000 * 1000000};
  while (nanosleep(&rest, &rest)) continue;
  return 0;
}

static void by_vfork(void) {
  int status;
  pid_t child = clone(open_and_read, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  waitpid(child, &status, 0);
  say(shared_byte == 'R' ? 'R' : 'N');
  if (!WIFSIGNALED(status)) say('S');
  _exit(0);
}

/* Reads from the number that the descriptor will have, while another task opens the trap. */
static void beside(int (*opens)(void *), int flags) {
  char byte, found = 'N';
  int next = dup(0);
  close(next);
  pid_t child = clone(opens, stack + sizeof stack, flags | CLONE_FILES, NULL);
  if (child < 0) impossible();
  for (int turn = 0; turn < 200000; turn++)
    if (read(next, &byte, 1) == 1) {
      found = 'R';
      break;
    }
  say(found);
  live_on();
}

static void opens_then_runs(char *const argv[]) {
  say(bytes_of_trap() ? 'R' : 'N');
  unsetenv("MOZU_TRAP");
  run(argv[0], argv);
}

/* --- ptrace: calls in a child that has executed a spared program */

#ifdef __x86_64__
static long call_in(pid_t child, struct user_regs_struct regs, long number, long a, long b, long c) {
  int status;
  regs.rax = number, regs.rdi = a, regs.rsi = b, regs.rdx = c, regs.orig_rax = -1;
  ptrace(PTRACE_SETREGS, child, 0, &regs);
  ptrace(PTRACE_SINGLESTEP, child, 0, 0);
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) _exit(0); /* it was killed */
  ptrace(PTRACE_GETREGS, child, 0, &regs);
  return regs.rax;
}

static void injected(char *const argv[]) {
  struct user_regs_struct regs;
  int status, pair[2];
  const char *trap = getenv("MOZU_TRAP");
  if (pipe(pair)) impossible();
  pid_t child = fork();
  if (!child) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    run(argv[0], argv);
  }
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) impossible();
  ptrace(PTRACE_GETREGS, child, 0, &regs);
  for (size_t at = 0; at <= strlen(trap); at += 8) {
    long word = 0;
    memcpy(&word, trap + at, strlen(trap + at) < 8 ? strlen(trap + at) : 8);
    ptrace(PTRACE_POKETEXT, child, regs.rsp - 4096 + at, word);
  }
  long own = ptrace(PTRACE_PEEKTEXT, child, regs.rip, 0);
  ptrace(PTRACE_POKETEXT, child, regs.rip, (own & ~0xffffL) | 0x050f); /* syscall */
  say('B');
  long file = call_in(child, regs, SYS_open, regs.rsp - 4096, O_RDONLY, 0);
  long got = call_in(child, regs, SYS_read, file, regs.rsp - 2048, 1);
  say(got == 1 ? 'R' : 'N');
  ptrace(PTRACE_POKETEXT, child, regs.rsp - 4096, LIVES_MS / 1000);
  ptrace(PTRACE_POKETEXT, child, regs.rsp - 4088, LIVES_MS % 1000 * 1000000L);
  regs.rax = SYS_nanosleep, regs.rdi = regs.rsp - 4096, regs.rsi = 0, regs.orig_rax = -1;
  ptrace(PTRACE_SETREGS, child, 0, &regs);
  ptrace(PTRACE_SINGLESTEP, child, 0, 0);
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) _exit(0);
  say('S');
  kill(child, SIGKILL);
  _exit(0);
}
#else
static void injected(char *const argv[]) { (void)argv; impossible(); }
#endif

int main(int argc, char **argv) {
  const char *way = argc > 1 ? argv[1] : "plain";
  char *const *rest = argv + (argc > 1 ? 2 : 1);
  if (!strcmp(way, "named")) named();
  else if (!strcmp(way, "copied")) copied(rest[0]);
  else if (!strcmp(way, "in-memory")) in_memory();
  else if (!strcmp(way, "deleted")) deleted();
  else if (!strcmp(way, "hard-link")) hard_link(rest[0], rest[1]);
  else if (!strcmp(way, "run")) run(rest[0], rest);
  else if (!strcmp(way, "user-namespace")) become_root(0), rest[0] ? run(rest[0], rest) : attempt();
  else if (!strcmp(way, "time-namespace")) in_time_namespace();
  else if (!strcmp(way, "pid-namespace")) in_pid_namespace();
  else if (!strcmp(way, "forged-inode")) forge_inode(rest[0], rest[1]);
  else if (!strcmp(way, "wrapped-pids")) in_wrapped_pids();
  else if (!strcmp(way, "mounted")) mounted_elsewhere(rest[0]);
  else if (!strcmp(way, "chroot")) in_chroot();
  else if (!strcmp(way, "pivot")) in_pivoted_root(rest[0]);
  else if (!strcmp(way, "detached")) detached_mount();
  else if (!strcmp(way, "orphan")) orphaned(rest);
  else if (!strcmp(way, "vfork")) by_vfork();
  else if (!strcmp(way, "thread")) beside(only_open, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
  else if (!strcmp(way, "shared-descriptors")) beside(open_and_live, SIGCHLD);
  else if (!strcmp(way, "shared-descriptors-and-end")) beside(only_open, SIGCHLD);
  else if (!strcmp(way, "runs-it-after")) opens_then_runs(rest);
  else if (!strcmp(way, "injected")) injected(rest);
  else attempt();
  return 0;
}
#endif
