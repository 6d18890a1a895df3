/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* open, openat, openat2, creat. */
#include "call.h"
#include "file.h"

#define O_CREAT_WRONLY_TRUNC 01101

inlined int open_exit(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct open));
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct open *e = (void *)s->record;
  struct path root = {}, path = {};
  root_of(task, &root);
  u64 user, how[3] = {};
  s32 dirfd = AT_FDCWD;
  u16 marks = 0;
  char first = '/';

  if (number == NR_open) {
    user = made->args[0]; how[0] = made->args[1]; how[1] = made->args[2];
  } else if (number == NR_creat) {
    user = made->args[0]; how[0] = O_CREAT_WRONLY_TRUNC; how[1] = made->args[1];
  } else {
    dirfd = made->args[0]; user = made->args[1];
    if (number == NR_openat2) read_given(made, how, sizeof(how), made->args[2]);
    else { how[0] = made->args[2]; how[1] = made->args[3]; }
  }
  e->flags = how[0]; e->mode = how[1]; e->resolve = how[2]; e->dirfd = dirfd;
  if (!user) mark(s, MARK_NULL);
  e->user = append_given_text(s, made, user);
  read_given(made, &first, 1, user);

  e->base = 0;
  if (first != '/') {
    base_of(task, dirfd, &path);
    e->base = append_path(s, &path, &root, &marks);
  }
  e->base_marks = marks;

  e->real = 0;
  if (result >= 0) {
    struct file *file = file_of(task, result);
    u32 fmode = 0;
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
