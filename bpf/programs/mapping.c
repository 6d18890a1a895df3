/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* brk, mmap, munmap: memory sizes of the process after the call (mm->total_vm, rss_stat). */
#include "descriptor.h"
#include "task.h"

inlined int mapping_exit(const struct syscall_ctx *sys) {
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  struct arg_layout *layout = LOOKUP(ARG_LAYOUTS, &number);
  if (!s || !layout) return 0;
  struct task_struct *task = current_task();
  struct mm_struct *mm = task->mm;
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  fill_descriptor(s, e, sys, task, layout->fd < 0 ? -1 : (s32)e->args[layout->fd & 7]);
  e->args[6] = mm->total_vm * PAGE_KB | resident_pages(mm) * PAGE_KB << 32;
  e->args[7] = PAGES_OF(mm->rss_swap) * PAGE_KB;
  append_file_path(s, e, sys, task);
  return OUTPUT_INDEX;
}
