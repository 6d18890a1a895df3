/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* io_uring: submission queue entries, and struct uring_request, a request between its submission and its
   completion. */
#pragma once
#include "syscall_ctx.h"

#define PF_IO_WORKER 0x10
#define IORING_SETUP_NO_SQARRAY (1 << 16)
#define IORING_SETUP_SQE128 (1 << 10)
#define IOSQE_FIXED_FILE 1       /* the descriptor is an index into the ring's registered files */
#define IOSQE_CQE_SKIP_SUCCESS 64
#define IORING_CQE_F_MORE 2
#define ECANCELED 125
#define IORING_FILE_INDEX_ALLOC (~0u)
#define DIRECT_FD (1 << 30)      /* set in the number of a registered file */
#define UNKNOWN_FD (DIRECT_FD - 1)
enum { IORING_OP_OPENAT = 18, IORING_OP_OPENAT2 = 28 };

struct cqe { u64 user_data; s32 result; u32 flags; }; /* struct io_uring_cqe of linux/io_uring.h */

struct sqe { /* struct io_uring_sqe of linux/io_uring.h */
  u8 opcode, flags;
  u16 priority;
  s32 fd;
  u64 off, addr;
  u32 len, op_flags;
  u64 user_data;
  u16 buffer, personality;
  u32 extra;
  u64 addr3, rest;
};

/* Map URING_OPS: the system call that an IORING_OP_* stands for. Filled by uring.py; numbers < 0: not watched. */
struct uring_op {
  s16 number, placed;  /* the native call; the one if the request has an offset (pread64), 0 where there is none */
  u8 from[6];          /* each argument's offset in the sqe, and in the top bits 1, 2, 3 for 16, 32, 64 bits */
  s8 text, text2, block, address, data, message, vectors; /* which arguments point to what; < 0: none */
  u8 makes, gives, spare; /* creates a descriptor (creates_fd of uring.py); its data lie in iovecs */
};

struct completion_key { u64 ring, user_data; };
struct iovec_copy { u64 base, length; };

struct uring_request {
  struct syscall_ctx sys; /* args: what was copied is given by its offset in this struct */
  struct sqe sqe;
  u64 self;            /* address of this as a number: the verifier forbids arithmetic on the pointer */
  u32 direct, texts;   /* 1: the new descriptor becomes a registered file; `text` is in use */
  u32 round;           /* `place` of COUNTED */
  u16 process, user;   /* places of its accounts in URING_HELD */
  u64 ring;            /* address of its struct io_ring_ctx */
  u64 pointed;         /* bits: arguments that are offsets in this struct; enum nested */
  u64 header[8];       /* struct msghdr */
  struct iovec_copy parts[16];
  char address[128], data[4][URING_DATA_MAX], block[24]; /* the first bytes of the first iovecs */
  char text[2][MAX_STR]; /* only these are in URING_STRINGS and not in URING_REQUESTS */
};
#define URING_REQUEST_COPIED __builtin_offsetof(struct uring_request, text)
_Static_assert(sizeof(struct sqe) == 64, "sqe");
_Static_assert(sizeof(struct uring_op) == URING_OP_SIZE, "uring_op");
_Static_assert(sizeof(struct uring_request) == URING_REQUEST_SIZE, "uring_request");
_Static_assert(URING_REQUEST_COPIED == URING_REQUESTS_SIZE, "uring_requests");

/* Read the sqe that was submitted last, by the ring's own counters; false if its owner has overwritten it already. */
inlined bool read_entry(struct uring_request *r, struct io_ring_ctx *ring, u32 opcode, u64 user_data) {
  u32 flags = 0, head = 0, entries = 0, *array = 0;
  struct sqe *queue = 0;
  COPY(flags, ring->flags);
  COPY(head, ring->cached_sq_head);
  COPY(entries, ring->sq_entries);
  COPY(queue, ring->sq_sqes);
  head = (head - 1) & (entries - 1);
  if (!(flags & IORING_SETUP_NO_SQARRAY)) {
    COPY(array, ring->sq_array);
    COPY(head, array[head]);
  }
  if (flags & IORING_SETUP_SQE128) head <<= 1;
  if (COPY(r->sqe, queue[head])) return false;
  return r->sqe.opcode == opcode && r->sqe.user_data == user_data;
}

inlined void fill_args(struct uring_request *r, struct uring_op *op) {
  COUNTED(i, r->round, 6) {
    u32 from = op->from[i], width = from >> 6;
    u64 value = *(u64 *)((char *)&r->sqe + (from & 63));
    if (width == 0) value = 0;
    if (width == 1) value &= 0xffff;
    if (width == 2) value &= 0xffffffff;
    if ((from & 63) == 4 && r->sqe.flags & IOSQE_FIXED_FILE) value |= DIRECT_FD;
    r->sys.args[i] = value;
  }
  r->direct = op->makes && r->sqe.extra;
  r->pointed = 0;
}

enum nested { NESTED_HEADER = 128, NESTED_DATA = 256 }; /* in `pointed`: header points to parts, parts to data */
#define OFFSET(member) __builtin_offsetof(struct uring_request, member)

/* The argument is from now on the offset of its copy. */
inlined void redirect_arg(struct uring_request *r, s32 argument, u64 offset) {
  r->sys.args[argument & 7] = offset;
  r->pointed |= 1 << (argument & 7);
}

inlined void copy_str(struct uring_request *r, s32 argument, u32 place) {
  u64 from = r->sys.args[argument & 7];
  if (argument < 0 || !from) return;
  char *to = place ? r->text[1] : r->text[0];
  *to = 0;
  read_user_str(to, MAX_STR, (void *)from);
  r->texts = 1;
  redirect_arg(r, argument, place ? OFFSET(text[1]) : OFFSET(text[0]));
}

inlined u32 copy_bytes(char *to, u64 from, u64 length, u32 most) {
  u64 n = length > most ? most : length;
  barrier_var(n);
  n &= 127;
  return from && !read_user(to, n, (void *)from) ? n : 0;
}

/* The iovecs, and the first bytes of the first of them if the call hands bytes over. */
inlined void copy_iovecs(struct uring_request *r, struct uring_op *op, u64 list, u64 count) {
  struct syscall_ctx user = {};
  COUNTED(i, r->round, 16) {
    if (IS_OVER(i, count)) break;
    r->parts[i].base = arg_word(&user, list, 2 * i);
    r->parts[i].length = arg_word(&user, list, 2 * i + 1);
  }
  if (!op->gives) return;
  COUNTED(i, r->round, 4) {
    if (IS_OVER(i, count)) break;
    copy_bytes(r->data[i], r->parts[i].base, r->parts[i].length, URING_DATA_MAX);
  }
  r->pointed |= NESTED_DATA;
}

inlined void copy_msghdr(struct uring_request *r, struct uring_op *op, u64 header) {
  struct syscall_ctx user = {};
  for (int i = 0; i < 4; i++) r->header[i] = arg_word(&user, header, i);
  if (op->gives) r->header[1] = copy_bytes(r->address, r->header[0], (u32)r->header[1], 127);
  copy_iovecs(r, op, r->header[2], r->header[3]);
  r->pointed |= NESTED_HEADER;
}

inlined void copy_pointed(struct uring_request *r, struct uring_op *op) {
  copy_str(r, op->text, 0);
  copy_str(r, op->text2, 1);
  if (op->block >= 0 && r->sys.args[op->block & 7]) {
    read_user(r->block, sizeof(r->block), (void *)r->sys.args[op->block & 7]);
    redirect_arg(r, op->block, OFFSET(block));
  }
  if (op->address >= 0 && r->sys.args[op->address & 7]) {
    u64 length = (u32)r->sys.args[(op->address + 1) & 7];
    r->sys.args[(op->address + 1) & 7] = copy_bytes(r->address, r->sys.args[op->address & 7], length, 127);
    redirect_arg(r, op->address, OFFSET(address));
  }
  if (op->data >= 0 && r->sys.args[op->data & 7]) {
    copy_bytes(r->data[0], r->sys.args[op->data & 7], r->sys.args[(op->data + 1) & 7], URING_DATA_MAX);
    redirect_arg(r, op->data, OFFSET(data));
  }
  if (op->message >= 0) {
    copy_msghdr(r, op, r->sys.args[op->message & 7]);
    redirect_arg(r, op->message, OFFSET(header));
  } else if (op->vectors >= 0) {
    copy_iovecs(r, op, r->sys.args[op->vectors & 7], r->sys.args[(op->vectors + 1) & 7]);
    redirect_arg(r, op->vectors, OFFSET(parts));
  }
}

/* Fill `sys`, whose arguments are the addresses of the copies in `r`. */
inlined void point_args_at_copies(struct syscall_ctx *sys, struct uring_request *r) {
  r->self = (u64)r;
  u64 self = *(volatile u64 *)&r->self;
  *sys = r->sys;
  sys->copies = self;
  for (int i = 0; i < 6; i++)
    if (r->pointed >> i & 1) sys->args[i] = self + r->sys.args[i];
  if (r->pointed & NESTED_HEADER) {
    r->header[2] = self + OFFSET(parts);
    if (r->pointed & NESTED_DATA && r->header[0]) r->header[0] = self + OFFSET(address);
  }
  if (r->pointed & NESTED_DATA)
    for (int i = 0; i < 4; i++) r->parts[i].base = self + OFFSET(data) + i * URING_DATA_MAX;
}
