/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Raw tracepoints page_fault_user and page_fault_kernel. The flags are the error code of the processor. */
#include "scalar_event.h"
#include "syscall_ctx.h"

inlined int faulted(struct bpf_raw_tracepoint_args *ctx) {
  u64 task = bpf_get_current_pid_tgid();
  if (!count_seen(task, TYPE_FAULT)) return 0;
  struct pt_regs *regs = (void *)ctx->args[1];
  unsigned long ip = 0;
  COPY(ip, INSTRUCTION(regs));
  u64 args[6] = {ctx->args[0], ip, ctx->args[2]};
  return emit_scalar_event(task, TYPE_FAULT, args);
}
