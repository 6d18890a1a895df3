/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A native call, with its arguments from the saved user registers: the program of its family is tail-called. */
#pragma once
#include "syscall_ctx.h"

inlined int native_call(void *ctx, volatile struct pt_regs *regs, s32 number, s64 result) {
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!sys) return 0;
  sys->args[0] = regs->di; sys->args[1] = regs->si; sys->args[2] = regs->dx;
  sys->args[3] = regs->r10; sys->args[4] = regs->r8; sys->args[5] = regs->r9;
  sys->result = result;
  sys->number = number;
  sys->task = bpf_get_current_pid_tgid();
  sys->entry_path = ENTRY_NATIVE;
  sys->exact = 0;
  sys->slot = sys->then = 0;
  sys->copies = sys->file = 0;
  tail_call(ctx, sys->number);
  return 0;
}
