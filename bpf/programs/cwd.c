/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* chdir, fchdir, chroot: the path as given, and the working directory after the call. */
#include "call.h"
#include "file.h"

inlined int cwd_exit(const struct made *made) {
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct call));
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct call *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  struct path root = {}, path = {};
  root_of(task, &root);
  working_directory(task, &path);
  u16 marks = 0;
  no_texts(e);
  if (number != NR_fchdir) {
    u64 from = e->args[0];
    if (!from) mark(s, MARK_NULL);
    e->text[0] = append_given_text(s, made, from);
  }
  e->base[0] = append_path(s, &path, &root, &marks);
  e->base_marks[0] = marks;
  return send(s);
}
