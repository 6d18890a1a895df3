/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A page fault, of a program or of the kernel on its behalf. The flags are the processor's own. */
#include "scalar_event.h"

inlined int faulted(struct bpf_raw_tracepoint_args *ctx) {
  u64 task = bpf_get_current_pid_tgid();
  if (!count_seen(task, TYPE_FAULT)) return 0;
  struct pt_regs *regs = (void *)ctx->args[1];
  unsigned long ip = 0;
  COPY(ip, regs->ip);
  u64 args[6] = {ctx->args[0], ip, ctx->args[2]};
  return emit_scalar_event(task, TYPE_FAULT, args);
}
