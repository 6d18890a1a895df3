/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* 32-bit calls (`int 0x80`, 32-bit programs): the tracepoints of calls do not tell of them, the one of all exits does.
   It costs every call of the machine, so the first thing it does is to leave. What is found is handed to the program of
   the native call that it is, with arguments put as that one expects them. */
#include "call.h"

#define TS_COMPAT 2      /* in thread_info.status: the call came in by the 32-bit door */
#define COMPAT_CALLS 512 /* from here on COMPAT holds the calls behind socketcall */

/* One 32-bit call: the native one, and how its arguments lie. Filled by user space; number < 0: not watched. */
struct compat { s16 number; u8 form, mask; };
enum form {
  FORM_SAME,    /* as in the native call, `mask` of them */
  FORM_SOCKET,  /* socketcall: which call, and where its arguments are */
  FORM_MEMORY,  /* the first argument points to all of them */
  FORM_SHORT,   /* ids of 16 bits: those of the bits in `mask` */
  FORM_HALVES,  /* 64 bits in two arguments, low half first: at the places of the bits in `mask` */
  FORM_PAGES,   /* the sixth counts pages */
};

inlined void from_memory(struct made *made, u64 list) {
  for (int i = 0; i < 6; i++) made->args[i] = given_word(made, list, i);
}

inlined void put(struct made *made, u32 form, u32 mask) {
  u64 kept[6];
  COPY_ARGUMENTS(kept, made->args);
  u32 from = 0;
  for (int i = 0; i < 6; i++) {
    u64 value = from < 6 ? made->args[from & 7] : 0;
    if (form == FORM_SAME) value = i < mask ? value : 0;
    if (form == FORM_SHORT && mask >> i & 1) value = (value & 0xffff) == 0xffff ? 0xffffffff : value & 0xffff;
    if (form == FORM_PAGES && i == 5) value *= 4096;
    from += 1;
    if (form == FORM_HALVES && mask >> i & 1) {
      value |= (from < 6 ? made->args[from & 7] : 0) << 32;
      from += 1;
    }
    kept[i] = value;
  }
  COPY_ARGUMENTS(made->args, kept);
}

inlined int compat(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (!(task->thread_info.status & TS_COMPAT)) return 0;
  volatile struct pt_regs *regs = registers(task);
  u32 number = regs->orig_ax;
  struct made *made = made_here();
  struct compat *call = number < COMPAT_CALLS ? LOOKUP(COMPAT, &number) : 0;
  if (!made || !call) return 0;
  made->args[0] = (u32)regs->bx; made->args[1] = (u32)regs->cx; made->args[2] = (u32)regs->dx;
  made->args[3] = (u32)regs->si; made->args[4] = (u32)regs->di; made->args[5] = (u32)regs->bp;
  made->way = WAY_COMPAT;
  made->kept = made->file = 0;
  if (call->form == FORM_SOCKET) {
    number = COMPAT_CALLS + (made->args[0] & 31);
    call = LOOKUP(COMPAT, &number);
    if (!call) return 0;
    from_memory(made, made->args[1]);
  } else if (call->form == FORM_MEMORY) {
    from_memory(made, made->args[0]);
  }
  if (call->number < 0) return 0;
  put(made, call->form, call->mask);
  made->result = ctx->args[1];
  made->task = bpf_get_current_pid_tgid();
  made->number = call->number;
  hand_over(ctx, DOORS, made->number);
  return 0;
}
