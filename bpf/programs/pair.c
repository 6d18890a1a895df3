/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* pipe, pipe2, socketpair: the two descriptors that the call wrote to user memory, and the file of the first. */
#include "descriptor.h"

inlined int pair_exit(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  struct arg_layout *layout = LOOKUP(ARG_LAYOUTS, &number);
  if (!s || !layout) return 0;
  struct task_struct *task = current_task();
  volatile struct descriptor *e = (void *)s->record;
  s32 first = -1;
  COPY_ARGS(e->args, sys->args);
  if (result == 0) read_arg(sys, &first, sizeof(first), e->args[layout->block[0] & 7]);
  fill_descriptor(s, e, sys, task, first);
  append_file_path(s, e, sys, task);
  append_blocks(s, sys, e, layout);
  return OUTPUT_INDEX;
}
