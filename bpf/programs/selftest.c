/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Proves at start-up that the saved user registers hold a call's arguments when it returns. */
#include "call.h"

struct proof { u64 args[6]; s64 result; u64 task; };

inlined int selftest(struct point *ctx) {
  u32 zero = 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct pt_regs *regs = registers(task);
  volatile struct proof *proof = LOOKUP(PROOF, &zero);
  if (!proof || regs->di != SELFTEST_FIRST) return 0;
  COPY_ARGUMENTS(proof->args, regs);
  proof->result = ctx->result;
  proof->task = bpf_get_current_pid_tgid();
  return 0;
}
