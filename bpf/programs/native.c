/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The tracepoints syscalls:sys_exit_*: an instance of this program at each. They fire for native calls only. */
#include "native_call.h"

struct sys_exit_ctx { u64 common; s32 number, pad; s64 result; }; /* their context */

inlined int native(struct sys_exit_ctx *ctx) {
  return native_call(ctx, saved_regs(bpf_get_current_task_btf()), ctx->number, ctx->result);
}
