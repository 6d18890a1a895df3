/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls on one descriptor, or that make one. Which argument it is, and which a socket address or a text, CALLS tells. */
#include "descriptor.h"

inlined int descriptor_exit(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  s32 fd = shape->fd == RESULT ? result : e->args[shape->fd & 7];
  if (number == NR_open_by_handle_at && result >= 0) drop_given(file_of(task, result));
  describe_file(s, e, made, task, fd);
  if (shape->address >= 0)
    e->address = append_address(s, made, e->args[shape->address & 7], e->args[(shape->address + 1) & 7]);
  if (shape->text >= 0) {
    u64 from = e->args[shape->text & 7];
    if (!from) mark(s, MARK_NULL);
    e->data = append_given_text(s, made, from);
  }
  append_file_path(s, e, made, task);
  append_blocks(s, made, e, shape);
  return send(s);
}
