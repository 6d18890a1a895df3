/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Reads and writes: the first bytes that were moved, or that were to be written. */
#include "descriptor.h"
#include "vectors.h"

inlined int transfer_exit(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  describe_file(s, e, made, task, shape->fd < 0 ? -1 : (s32)e->args[shape->fd & 7]);
  s32 at = shape->vectors < 0 ? shape->data : shape->vectors;
  u64 from = e->args[at & 7], count = e->args[(at + 1) & 7], most = DATA_MAX;
  if (result >= 0) most = result;
  else if (shape->incoming) most = 0;
  if (shape->vectors >= 0) {
    add_parts(made, &e->args[6], from, count);
    e->data = append_parts(s, made, from, count, most);
  } else {
    if (most > count) most = count;
    e->data = append_given(s, made, from, most > DATA_MAX ? DATA_MAX : most);
  }
  append_file_path(s, e, made, task);
  return send(s);
}
