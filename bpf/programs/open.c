/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* open, openat, openat2, creat. */
#include "call.h"
#include "file.h"

#define O_CREAT_WRONLY_TRUNC 01101

inlined int open_exit(struct point *ctx) {
  s64 result = ctx->result;
  s32 number = ctx->number;
  struct scratch *s = begin(number, SLOT_CALL, sizeof(struct open), result);
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct pt_regs *regs = registers(task);
  volatile struct open *e = (void *)s->record;
  struct path root = {}, path = {};
  root_of(task, &root);
  u64 user, how[3] = {};
  s32 dirfd = AT_FDCWD;
  u16 marks = 0;
  char first = '/';

  if (number == NR_open) {
    user = regs->di; how[0] = regs->si; how[1] = regs->dx;
  } else if (number == NR_creat) {
    user = regs->di; how[0] = O_CREAT_WRONLY_TRUNC; how[1] = regs->si;
  } else {
    dirfd = regs->di; user = regs->si;
    if (number == NR_openat2) bpf_probe_read_user(how, sizeof(how), (void *)regs->dx);
    else { how[0] = regs->dx; how[1] = regs->r10; }
  }
  e->flags = how[0]; e->mode = how[1]; e->resolve = how[2]; e->dirfd = dirfd;
  if (!user) mark(s, MARK_NULL);
  e->user = append_text(s, USER, (void *)user);
  bpf_probe_read_user(&first, 1, (void *)user);

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
