/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* 32-bit calls (of 32-bit programs; on x86-64 also `int 0x80` of others): their arguments are converted to those of the native call, whose program is
   tail-called. */
#pragma once
#include "syscall_ctx.h"

#define COMPAT_CALLS 512 /* from this index on COMPAT holds the calls of socketcall */

/* Map COMPAT: the native call of a 32-bit one, and how to convert its arguments. Filled by entry_paths.py; number < 0: not
   watched. */
struct compat { s16 number; u8 form, mask; };
enum form {
  FORM_SAME,    /* as in the native call, `mask` of them */
  FORM_SOCKET,  /* socketcall: which call, and where its arguments are */
  FORM_MEMORY,  /* the first argument points to all of them */
  FORM_SHORT,   /* ids of 16 bits: those of the bits in `mask` */
  FORM_HALVES,  /* 64 bits in two arguments, low half first: at the places of the bits in `mask` */
  FORM_PAGES,   /* the sixth counts pages */
};
#define ALIGNED 128 /* in `mask`: 64 bits in two arguments begin at an even one */

inlined void read_args_from(struct syscall_ctx *sys, u64 list) {
  for (int i = 0; i < 6; i++) sys->args[i] = arg_word(sys, list, i);
}

inlined void convert_args(struct syscall_ctx *sys, u32 form, u32 mask) {
  u64 kept[6];
  COPY_ARGS(kept, sys->args);
  u32 from = 0;
#pragma clang loop unroll(disable)
  for (int i = 0; i < 6; i++) {
    bool pair = form == FORM_HALVES && mask >> i & 1;
    if (pair && mask & ALIGNED) from += from & 1;
    u64 value = from < 6 ? sys->args[from & 7] : 0;
    if (form == FORM_SAME) value = i < mask ? value : 0;
    if (form == FORM_SHORT && mask >> i & 1) value = (value & 0xffff) == 0xffff ? 0xffffffff : value & 0xffff;
    if (form == FORM_PAGES && i == 5) value *= 4096;
    from += 1;
    if (pair) {
      value |= (from < 6 ? sys->args[from & 7] : 0) << 32;
      from += 1;
    }
    kept[i] = value;
  }
  COPY_ARGS(sys->args, kept);
}

inlined int compat_call(struct bpf_raw_tracepoint_args *ctx, volatile struct pt_regs *regs) {
  u32 number = CALL_NUMBER(regs);
  struct syscall_ctx *sys = this_cpu_syscall();
  struct compat *call = number < COMPAT_CALLS ? LOOKUP(COMPAT, &number) : 0;
  if (!sys || !call) return 0;
  READ_COMPAT_ARGS(sys->args, regs);
  sys->entry_path = ENTRY_COMPAT;
  sys->exact = 0;
  sys->slot = sys->then = 0;
  sys->copies = sys->file = 0;
  if (call->form == FORM_SOCKET) {
    number = COMPAT_CALLS + (sys->args[0] & 31);
    call = LOOKUP(COMPAT, &number);
    if (!call) return 0;
    read_args_from(sys, sys->args[1]);
  } else if (call->form == FORM_MEMORY) {
    read_args_from(sys, sys->args[0]);
  }
  if (call->number < 0) return 0;
  convert_args(sys, call->form, call->mask);
  sys->result = ctx->args[1];
  sys->task = bpf_get_current_pid_tgid();
  sys->number = call->number;
  tail_call(ctx, sys->number);
  return 0;
}
