/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* read, write and their family: the first bytes that were transferred, or that a failed write would have. */
#include "descriptor.h"
#include "iovec.h"

inlined int transfer_exit(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  struct arg_layout *layout = LOOKUP(ARG_LAYOUTS, &number);
  if (!s || !layout) return 0;
  struct task_struct *task = current_task();
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  fill_descriptor(s, e, sys, task, layout->fd < 0 ? -1 : (s32)e->args[layout->fd & 7]);
  s32 at = layout->vectors < 0 ? layout->data : layout->vectors;
  u64 from = e->args[at & 7], count = e->args[(at + 1) & 7], most = ~0ull;
  if (result >= 0) most = result;
  else if (layout->incoming) most = 0;
  if (layout->vectors >= 0) {
    sum_iovecs(s, sys, &e->args[6], from, count);
    e->data = append_iovec_data(s, sys, from, count, most);
  } else {
    if (most > count) most = count;
    e->data = append_data(s, sys, from, most);
  }
  append_file_path(s, e, sys, task);
  return OUTPUT_INDEX;
}
