/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls whose arguments point to memory: the blocks that ARG_LAYOUTS names. */
#include "syscall_ctx.h"

inlined int memory_exit(const struct syscall_ctx *sys) {
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  struct arg_layout *layout = LOOKUP(ARG_LAYOUTS, &number);
  if (!s || !layout) return 0;
  volatile struct call *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  clear_strs(e);
  e->text[0] = append_block(s, sys, e->args, layout->block[0], layout->size[0]);
  e->text[1] = append_block(s, sys, e->args, layout->block[1], layout->size[1]);
  e->text[2] = append_block(s, sys, e->args, layout->block[2], layout->size[2]);
  return OUTPUT_INDEX;
}
