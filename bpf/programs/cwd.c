/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* chdir, fchdir, chroot: the path as given, and task->fs->pwd after the call. */
#include "syscall_ctx.h"
#include "file.h"

inlined int cwd_exit(const struct syscall_ctx *sys) {
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  if (!s) return 0;
  struct task_struct *task = current_task();
  volatile struct call *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  struct path root = {}, path = {};
  task_root(task, &root);
  task_cwd(task, &path);
  u16 marks = 0;
  clear_strs(e);
  if (number != NR_fchdir) {
    u64 from = e->args[0];
    if (!from) mark(s, MARK_NULL);
    e->text[0] = append_arg_str(s, sys, from);
  }
  e->base[0] = append_path(s, &path, &root, &marks);
  e->base_marks[0] = marks;
  return OUTPUT_INDEX;
}
