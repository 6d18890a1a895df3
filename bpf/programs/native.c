/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The tracepoints syscalls:sys_exit_*: a native call with its arguments from the saved user registers. */
#include "syscall_ctx.h"

struct sys_exit_ctx { u64 common; s32 number, pad; s64 result; }; /* their context */

inlined int native(struct sys_exit_ctx *ctx) {
  volatile struct pt_regs *regs = saved_regs(bpf_get_current_task_btf());
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!sys) return 0;
  sys->args[0] = regs->di; sys->args[1] = regs->si; sys->args[2] = regs->dx;
  sys->args[3] = regs->r10; sys->args[4] = regs->r8; sys->args[5] = regs->r9;
  sys->result = ctx->result;
  sys->number = ctx->number;
  sys->task = bpf_get_current_pid_tgid();
  sys->entry_path = ENTRY_NATIVE;
  sys->exact = 0;
  sys->copies = sys->file = 0;
  tail_call(ctx, sys->number);
  return 0;
}
