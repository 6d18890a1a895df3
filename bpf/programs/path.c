/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls with one to three strings, paths mostly. ARG_LAYOUTS says which arguments they are and which are their
   dirfds. */
#include "syscall_ctx.h"
#include "file.h"

inlined u16 append_base(struct scratch *s, const struct syscall_ctx *sys, struct task_struct *task, u64 text, s32 dirfd,
                        u16 *marks) {
  struct path root = {}, path = {};
  char first = '/';
  read_arg(sys, &first, 1, text);
  if (first == '/') return 0;
  task_root(task, &root);
  dirfd_path(task, dirfd, &path);
  return append_path(s, &path, &root, marks);
}

inlined int path_exit(const struct syscall_ctx *sys) {
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  struct arg_layout *layout = LOOKUP(ARG_LAYOUTS, &number);
  if (!s || !layout) return 0;
  struct task_struct *task = current_task();
  volatile struct call *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  clear_strs(e);
  u64 first = e->args[layout->text & 7], second = e->args[layout->text2 & 7];
  u16 marks = 0;
  if (!first) mark(s, MARK_NULL);
  e->text[0] = append_arg_str(s, sys, first);
  if (layout->text2 >= 0) {
    if (!second) mark(s, MARK_NULL2);
    e->text[1] = append_arg_str(s, sys, second);
  }
  if (layout->text3 >= 0) {
    u64 third = e->args[layout->text3 & 7];
    if (!third) mark(s, MARK_NULL3);
    e->text[2] = append_arg_str(s, sys, third);
  }
  if (layout->dir != NOT_A_PATH) {
    s32 dirfd = layout->dir < 0 ? AT_FDCWD : e->args[layout->dir & 7];
    e->base[0] = append_base(s, sys, task, first, dirfd, &marks);
    e->base_marks[0] = marks;
  }
  if (layout->text2 >= 0 && layout->dir2 != NOT_A_PATH) {
    s32 dirfd = layout->dir2 < 0 ? AT_FDCWD : e->args[layout->dir2 & 7];
    e->base[1] = append_base(s, sys, task, second, dirfd, &marks);
    e->base_marks[1] = marks;
  }
  if (layout->data >= 0) {
    u64 from = e->args[layout->data & 7], length = e->args[(layout->data + 1) & 7];
    e->data = append_data(s, sys, from, length);
  }
  return OUTPUT_INDEX;
}
