/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls of plain numbers. */
#include "call.h"

inlined int number_exit(struct point *ctx) {
  struct scratch *s = begin(ctx->number, SLOT_CALL, sizeof(struct call), ctx->result);
  if (!s) return 0;
  volatile struct pt_regs *regs = registers(bpf_get_current_task_btf());
  volatile struct call *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, regs);
  no_texts(e);
  return send(s);
}
