/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A native call at its exit: its arguments are still in the saved user registers. */
#include "call.h"

struct exit_point { u64 common; s32 number, pad; s64 result; }; /* of the tracepoints syscalls:sys_exit_* */

inlined int native(struct exit_point *ctx) {
  volatile struct pt_regs *regs = registers(bpf_get_current_task_btf());
  struct made *made = made_here();
  if (!made) return 0;
  made->args[0] = regs->di; made->args[1] = regs->si; made->args[2] = regs->dx;
  made->args[3] = regs->r10; made->args[4] = regs->r8; made->args[5] = regs->r9;
  made->result = ctx->result;
  made->number = ctx->number;
  made->task = bpf_get_current_pid_tgid();
  made->way = WAY_NATIVE;
  made->kept = made->file = 0;
  hand_over(ctx, NATIVE, made->number);
  return 0;
}
