/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* brk, mmap, munmap: how much memory the process has after the call. */
#include "descriptor.h"
#include "task.h"

inlined int mapping_exit(const struct made *made) {
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  struct mm_struct *mm = task->mm;
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  describe_file(s, e, made, task, shape->fd < 0 ? -1 : (s32)e->args[shape->fd & 7]);
  e->args[6] = mm->total_vm * PAGE_KB | resident_pages(mm) * PAGE_KB << 32;
  e->args[7] = pages_of(mm, SWAP_ENTRIES) * PAGE_KB;
  append_file_path(s, e, made, task);
  return send(s);
}
