/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* open, openat, openat2, creat. */
#include "verdict_memory.h"

inlined int open_exit(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct open));
  if (!s) return 0;
  struct task_struct *task = current_task();
  volatile struct open *e = (void *)s->record;
  struct path root = {}, path = {};
  task_root(task, &root);
  struct open_args open = {};
  u16 marks = 0;
  char first = '/';

  parse_open_args(&open, sys);
  e->flags = open.flags; e->mode = open.mode; e->resolve = open.resolve; e->dirfd = open.dirfd;
  if (!open.user) mark(s, MARK_NULL);
  e->user = append_arg_str(s, sys, open.user);
  read_arg(sys, &first, 1, open.user);

  e->base = 0;
  if (first != '/') {
    dirfd_path(task, open.dirfd, &path);
    e->base = append_path(s, &path, &root, &marks);
  }
  e->base_marks = marks;

  e->real = 0;
  struct file *file = 0;
  if (result >= 0) {
    u32 fmode = 0;
    file = fd_file(task, result);
    delete_opened_path(file_address(s, file));
    READ(fmode, file->f_mode);
    READ(path, file->f_path);
    marks = 0;
    if (wants_realpath() && path.dentry) {
      marks = walk_real_path(s, &path, &root);
      e->real = append_walked(s);
    }
    if (fmode & FMODE_CREATED) marks |= MARK_CREATED;
    mark(s, marks);
    fill_file_attrs(s, &e->file, &path);
  } else {
    clear_file_attrs(&e->file);
  }
  return end_open(sys, s, file);
}
