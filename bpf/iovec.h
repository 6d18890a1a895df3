/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Arrays of struct iovec (readv, writev, msghdr), each of two words: base, length. */
#pragma once
#include "syscall_ctx.h"

#define IOVECS_MAX 16 /* iovecs whose lengths are summed */
#define IOVECS_READ 4 /* iovecs whose bytes are appended */

/* The sum is kept in map memory and in no register: see record.h. */
inlined void sum_iovecs(struct scratch *s, const struct syscall_ctx *sys, volatile u64 *whole, u64 list, u64 count) {
  *whole = 0;
  COUNTED(i, s->round, IOVECS_MAX) {
    if (IS_OVER(i, count)) break;
    *whole += arg_word(sys, list, 2 * i + 1);
  }
}

/* The first `most` bytes of the first iovecs, at most `snaplen` (append_data). */
inlined u16 append_iovec_data(struct scratch *s, const struct syscall_ctx *sys, u64 list, u64 count, u64 most) {
  u64 before = *(volatile u64 *)&s->used;
  u64 limit = data_limit(sys);
  if (most > limit) most = limit;
  COUNTED(i, s->round, IOVECS_READ) {
    u64 left = most - (*(volatile u64 *)&s->used - before);
    if (IS_OVER(i, count) || left > limit || !left) break;
    u64 base = arg_word(sys, list, 2 * i), length = arg_word(sys, list, 2 * i + 1);
    append_arg(s, sys, base, length > left ? left : length);
  }
  return *(volatile u64 *)&s->used - before;
}
