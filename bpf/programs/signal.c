/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Raw tracepoint signal_deliver: a signal reaches the current thread. User space derives the sender from the
   siginfo. */
#include "scalar_event.h"

inlined int signal_delivered(struct bpf_raw_tracepoint_args *ctx) {
  u64 task = bpf_get_current_pid_tgid();
  if (!count_seen(task, TYPE_SIGNAL)) return 0;
  struct kernel_siginfo *info = (void *)ctx->args[1]; /* or SEND_SIG_NOINFO, SEND_SIG_PRIV: reads as zero */
  s32 code = 0, first = 0;
  COPY(code, info->si_code);
  COPY(first, info->_sifields);
  u64 args[6] = {first, (u32)task, ctx->args[0], code};
  return emit_scalar_event(task, TYPE_SIGNAL, args);
}
