/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A native call, with its arguments from the saved user registers: the program of its family is tail-called. */
#pragma once
#include "syscall_ctx.h"

inlined int native_call(void *ctx, volatile struct pt_regs *regs, u32 number, s64 result) {
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!sys) return 0;
  READ_NATIVE_ARGS(sys->args, regs);
  sys->result = result;
  sys->number = mozu_number(number);
  if (sys->number < 0) return 0;
  sys->task = bpf_get_current_pid_tgid();
  sys->entry_path = ENTRY_NATIVE;
  sys->exact = 0;
  sys->slot = sys->then = 0;
  sys->copies = sys->file = 0;
  tail_call(ctx, sys->number);
  return 0;
}
