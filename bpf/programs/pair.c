/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* pipe, pipe2, socketpair: two descriptors, which the call wrote into memory. The first one is described. */
#include "descriptor.h"

inlined int pair_exit(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct descriptor *e = (void *)s->record;
  s32 first = -1;
  COPY_ARGUMENTS(e->args, made->args);
  if (result == 0) read_given(made, &first, sizeof(first), e->args[shape->block[0] & 7]);
  describe_file(s, e, made, task, first);
  append_file_path(s, e, made, task);
  append_blocks(s, made, e, shape);
  return send(s);
}
