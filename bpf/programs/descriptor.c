/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls on one descriptor, or that make one. Which argument it is, and which a socket address or a text, CALLS tells. */
#include "descriptor.h"

inlined int descriptor_exit(struct point *ctx) {
  s64 result = ctx->result;
  s32 number = ctx->number;
  struct scratch *s = begin(number, SLOT_CALL, sizeof(struct descriptor), result);
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct pt_regs *regs = registers(task);
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, regs);
  s32 fd = shape->fd < 0 ? result : e->args[shape->fd & 7];
  describe_file(s, e, task, fd);
  if (shape->address >= 0)
    e->address = append_address(s, e->args[shape->address & 7], e->args[(shape->address + 1) & 7]);
  if (shape->text >= 0) {
    u64 from = e->args[shape->text & 7];
    if (!from) mark(s, MARK_NULL);
    e->data = append_text(s, USER, (void *)from);
  }
  append_file_path(s, e, task);
  return send(s);
}
