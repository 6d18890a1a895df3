/* SPDX-License-Identifier: Apache-2.0 */
/* entry_path VERB ARGUMENT: one act, by the entry path that it was compiled for. Makes every call without a library.
     read PATH | remove PATH | connect PORT | shell - | exec PATH | dup - (of a socket, to 0) | trace PID
     udp PORT | parts PORT | batch PORT: a datagram by sendto, sendmsg, sendmmsg
   NATIVE: syscall. NARROW: int 0x80, as a 32-bit program (-m32) or as a 64-bit one. RING: io_uring; POLLED with it: a
   thread of the kernel takes the requests. A ring cannot exec, dup, trace or send a batch.
   Exits with the errno, 0 if the call succeeded. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;
typedef long word;

static char given[4096]; /* arguments where 32 bits reach them */
static struct { u16 family; u8 port[2], host[4], rest[8]; } to = {2, {0, 0}, {127, 0, 0, 1}, {0}};
__attribute__((unused)) static char shell[] = "/bin/sh", option[] = "-c", script[] = "true";

#if defined(NARROW)
static word enter(word n, word a, word b, word c, word d) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
  return result;
}
#define POINTER(p) ((word)(u32)(word)(p))
static u32 arguments[4], call_of_socket[3], sent[6]; /* below 4 GiB, unlike the stack */
static void quit(int code) { enter(252, code, 0, 0, 0); }
static word read_file(void) { return enter(295, -100, POINTER(given), 0, 0); }
static word remove_file(void) { return enter(10, POINTER(given), 0, 0, 0); }
static word connect_out(void) {
  call_of_socket[0] = 2; call_of_socket[1] = 1; call_of_socket[2] = 0;
  u32 fd = (u32)enter(102, 1, POINTER(call_of_socket), 0, 0);
  call_of_socket[0] = fd; call_of_socket[1] = (u32)POINTER(&to); call_of_socket[2] = 16;
  return enter(102, 3, POINTER(call_of_socket), 0, 0);
}
static word run_shell(void) {
  arguments[0] = (u32)POINTER(shell); arguments[1] = (u32)POINTER(option); arguments[2] = (u32)POINTER(script);
  return enter(11, POINTER(shell), POINTER(arguments), 0, 0);
}
static word run_given(void) {
  arguments[0] = (u32)POINTER(given); arguments[1] = 0;
  return enter(11, POINTER(given), POINTER(arguments), 0, 0);
}
static word copy_socket(void) {
  call_of_socket[0] = 2; call_of_socket[1] = 1; call_of_socket[2] = 0;
  return enter(63, enter(102, 1, POINTER(call_of_socket), 0, 0), 0, 0, 0);
}
static word trace(word pid) { return enter(26, 16, pid, 0, 0); }
static u32 vector[2], header[8]; /* struct compat_mmsghdr */
static u32 datagram_socket(void) {
  call_of_socket[0] = 2; call_of_socket[1] = 2; call_of_socket[2] = 0;
  return (u32)enter(102, 1, POINTER(call_of_socket), 0, 0);
}
static void fill_header(void) {
  vector[0] = (u32)POINTER(option); vector[1] = 1;
  header[0] = (u32)POINTER(&to); header[1] = 16; header[2] = (u32)POINTER(vector); header[3] = 1;
}
static word send_to(void) {
  sent[0] = datagram_socket(); sent[1] = (u32)POINTER(option); sent[2] = 1; sent[3] = 0;
  sent[4] = (u32)POINTER(&to); sent[5] = 16;
  return enter(102, 11, POINTER(sent), 0, 0);
}
static word send_parts(void) { fill_header(); return enter(370, datagram_socket(), POINTER(header), 0, 0); }
static word send_batch(void) { fill_header(); return enter(345, datagram_socket(), POINTER(header), 1, 0); }
#else
static word enter(word n, word a, word b, word c, word d) {
  word result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = -1;
  register word r9 __asm__("r9") = 0;
  if (n == 44) r8 = (word)&to, r9 = 16; /* sendto: the address */
  if (n == 9) r8 = a >> 32, a = 0;     /* mmap: the descriptor in the upper half of a, the offset in d */
  if (n == 9) r9 = d, r10 = 1;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
static u64 vector[2], header[8]; /* struct mmsghdr */
__attribute__((unused)) static u64 *filled_header(void) {
  vector[0] = (u64)option; vector[1] = 1;
  header[0] = (u64)&to; header[1] = 16; header[2] = (u64)vector; header[3] = 1;
  return header;
}
static void quit(int code) { enter(231, code, 0, 0, 0); } /* exit_group: ends the polling thread too */
#if defined(RING)
#include <linux/io_uring.h>
static struct io_uring_params params;
static u8 *rings;
static struct io_uring_sqe *entries;
static int ring = -1;
static u32 *at(u32 offset) { return (u32 *)(rings + offset); }
static void make_ring(void) {
#if defined(POLLED)
  params.flags = IORING_SETUP_SQPOLL;
  params.sq_thread_idle = 5000;
#endif
  ring = (int)enter(425, 8, (word)&params, 0, 0);
  rings = (u8 *)enter(9, (word)ring << 32, 8192, 3, IORING_OFF_SQ_RING);
  entries = (void *)enter(9, (word)ring << 32, 4096, 3, IORING_OFF_SQES);
}
/* off: address of a send; off_length: length of the address, in the place of file_index of struct io_uring_sqe. */
static word request_to(u8 operation, int fd, const void *address, u32 length, u64 off, u32 off_length) {
  if (ring < 0) make_ring();
  u32 tail = *at(params.sq_off.tail), index = tail & 7;
  struct io_uring_sqe *entry = entries + index;
  *entry = (struct io_uring_sqe){.opcode = operation, .fd = fd, .addr = (u64)address, .len = length,
                                   .off = off, .file_index = off_length};
  at(params.sq_off.array)[index] = index;
  __atomic_store_n(at(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
#if defined(POLLED)
  enter(426, ring, 0, 0, IORING_ENTER_SQ_WAKEUP);
#else
  enter(426, ring, 1, 1, IORING_ENTER_GETEVENTS);
#endif
  u32 *head = at(params.cq_off.head);
  while (__atomic_load_n(at(params.cq_off.tail), __ATOMIC_ACQUIRE) == *head) __builtin_ia32_pause();
  struct io_uring_cqe *done = (void *)(rings + params.cq_off.cqes);
  word result = done[*head & *at(params.cq_off.ring_mask)].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  return result;
}
static word request(u8 operation, int fd, const void *address, u64 off) {
  return request_to(operation, fd, address, operation == IORING_OP_SENDMSG, off, 0);
}
static word read_file(void) { return request(IORING_OP_OPENAT, -100, given, 0); }
static word remove_file(void) { return request(IORING_OP_UNLINKAT, -100, given, 0); }
static word connect_out(void) { return request(IORING_OP_CONNECT, (int)request(IORING_OP_SOCKET, 2, 0, 1), &to, 16); }
static word run_shell(void) { return -1; }
static word run_given(void) { return -1; }
static word copy_socket(void) { return -1; }
static word trace(word pid) { return -pid; }
static word send_to(void) {
  return request_to(IORING_OP_SEND, (int)request(IORING_OP_SOCKET, 2, 0, 2), option, 1, (u64)&to, 16);
}
static word send_parts(void) { return request(IORING_OP_SENDMSG, (int)request(IORING_OP_SOCKET, 2, 0, 2), filled_header(), 0); }
static word send_batch(void) { return -1; }
#else
static word read_file(void) { return enter(257, -100, (word)given, 0, 0); }
static word remove_file(void) { return enter(87, (word)given, 0, 0, 0); }
static word connect_out(void) { return enter(42, enter(41, 2, 1, 0, 0), (word)&to, 16, 0); }
static word run_shell(void) {
  char *arguments[] = {shell, option, script, 0};
  return enter(59, (word)shell, (word)arguments, 0, 0);
}
static word run_given(void) {
  char *arguments[] = {given, 0};
  return enter(59, (word)given, (word)arguments, 0, 0);
}
static word copy_socket(void) { return enter(33, enter(41, 2, 1, 0, 0), 0, 0, 0); }
static word trace(word pid) { return enter(101, 16, pid, 0, 0); }
static word send_to(void) { return enter(44, enter(41, 2, 2, 0, 0), (word)option, 1, 0); }
static word send_parts(void) { return enter(46, enter(41, 2, 2, 0, 0), (word)filled_header(), 0, 0); }
static word send_batch(void) { return enter(307, enter(41, 2, 2, 0, 0), (word)filled_header(), 1, 0); }
#endif
#endif

void *memset(void *to_, int value, unsigned long n) {
  for (u8 *p = to_; n--;) *p++ = (u8)value;
  return to_;
}

__attribute__((used)) void act(word *stack) {
  char **argv = (char **)(stack + 1), *argument = argv[2];
  u32 port = 0;
  for (u32 i = 0; i + 1 < sizeof given && argument[i]; i++) {
    given[i] = argument[i];
    port = port * 10 + (u32)(argument[i] - '0');
  }
  to.port[0] = (u8)(port >> 8);
  to.port[1] = (u8)port;
  char verb = argv[1][0] == 'r' ? argv[1][2] : argv[1][0]; /* re-a-d, re-m-ove, c … */
  word result = verb == 'a'   ? read_file()
                : verb == 'm' ? remove_file()
                : verb == 'c' ? connect_out()
                : verb == 'e' ? run_given()
                : verb == 'd' ? copy_socket()
                : verb == 't' ? trace(port)
                : verb == 'u' ? send_to()
                : verb == 'p' ? send_parts()
                : verb == 'b' ? send_batch()
                              : run_shell();
  quit(result < 0 ? (int)-result : 0);
}
#if defined(__i386__)
__asm__(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call act\n");
#else
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call act\n");
#endif
