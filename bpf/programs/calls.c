/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The raw tracepoint sys_exit, which fires for native and 32-bit calls: one program in place of all instances of native.c
   where 32-bit calls are watched. It runs at every call of the machine. So it reads the number alone where neither the
   native nor the 32-bit call of that number is watched, and calls no helper. */
#include "compat.h"
#include "native_call.h"

/* In the map WATCHED, by number: filled by call_exits.py. */
#define WATCHED_NATIVE 1
#define WATCHED_COMPAT 2

inlined u32 number_of(const struct bpf_raw_tracepoint_args *ctx) {
#ifdef CAST
  return CALL_NUMBER(TYPED(pt_regs, ctx->args[0]));
#else
  return CALL_NUMBER(saved_regs(bpf_get_current_task_btf()));
#endif
}

inlined int called(struct bpf_raw_tracepoint_args *ctx) {
  u32 number = number_of(ctx);
  u8 *watched = LOOKUP(WATCHED, &number);
  if (!watched || !*watched) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct pt_regs *regs = saved_regs(task);
  bool is_compat = IS_COMPAT(task);
  if (!(*watched & (is_compat ? WATCHED_COMPAT : WATCHED_NATIVE))) return 0;
  return is_compat ? compat_call(ctx, regs) : native_call(ctx, regs, number, ctx->args[1]);
}
