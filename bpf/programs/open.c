/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* open, openat, openat2, creat. */
#include "given.h"
#include "opening.h"

inlined int open_exit(const struct made *made) {
  s64 result = made->result;
  struct scratch *s = begin_call(made, sizeof(struct open));
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct open *e = (void *)s->record;
  struct path root = {}, path = {};
  root_of(task, &root);
  struct asked asked = {};
  u16 marks = 0;
  char first = '/';

  what_open_asks(&asked, made);
  e->flags = asked.flags; e->mode = asked.mode; e->resolve = asked.resolve; e->dirfd = asked.dirfd;
  if (!asked.user) mark(s, MARK_NULL);
  e->user = append_given_text(s, made, asked.user);
  read_given(made, &first, 1, asked.user);

  e->base = 0;
  if (first != '/') {
    base_of(task, asked.dirfd, &path);
    e->base = append_path(s, &path, &root, &marks);
  }
  e->base_marks = marks;

  e->real = 0;
  if (result >= 0) {
    struct file *file = file_of(task, result);
    u32 fmode = 0;
    drop_given(file);
    READ(fmode, file->f_mode);
    READ(path, file->f_path);
    marks = 0;
    if (realpath_wanted()) e->real = append_path(s, &path, &root, &marks);
    if (fmode & FMODE_CREATED) marks |= MARK_CREATED;
    mark(s, marks);
    file_facts(s, &e->file, &path);
  } else {
    no_file(&e->file);
  }
  return send(s);
}
