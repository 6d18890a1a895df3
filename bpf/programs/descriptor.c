/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls on one descriptor, or that create one. ARG_LAYOUTS says which argument is the descriptor, a sockaddr, a
   string. */
#include "descriptor.h"

inlined int descriptor_exit(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  struct arg_layout *layout = LOOKUP(ARG_LAYOUTS, &number);
  if (!s || !layout) return 0;
  struct task_struct *task = current_task();
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  s32 fd = layout->fd == RESULT ? result : e->args[layout->fd & 7];
  if (number == NR_open_by_handle_at && result >= 0) delete_opened_path(file_address(s, fd_file(task, result)));
  fill_descriptor(s, e, sys, task, fd);
  if (layout->address >= 0)
    e->address = append_address(s, sys, e->args[layout->address & 7], e->args[(layout->address + 1) & 7]);
  if (layout->text >= 0) {
    u64 from = e->args[layout->text & 7];
    if (!from) mark(s, MARK_NULL);
    e->data = append_arg_str(s, sys, from);
  }
  append_file_path(s, e, sys, task);
  append_blocks(s, sys, e, layout);
  return OUTPUT_INDEX;
}
