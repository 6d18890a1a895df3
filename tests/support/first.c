/* SPDX-License-Identifier: Apache-2.0 */
/* first: open /etc/shadow by its very first instructions, live for 50 ms, end. No libc, which would act before. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

static long call(long number, long a, long b, long c, long d) {
  register long fourth __asm__("r10") = d;
  long result = number;
  __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
  return result;
}

void _start(void) {
  struct timespec life = {.tv_nsec = 50000000};
  call(SYS_openat, AT_FDCWD, (long)"/etc/shadow", O_RDONLY, 0);
  call(SYS_nanosleep, (long)&life, 0, 0, 0);
  call(SYS_exit_group, 0, 0, 0, 0);
}
