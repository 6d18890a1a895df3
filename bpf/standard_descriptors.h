/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct standard: what a program begins with as its descriptors 0, 1 and 2, which it may have inherited or been given by
   calls that no program records (dup2, fcntl, SCM_RIGHTS). At the exec the kernel knows; descriptors that are closed by
   it (O_CLOEXEC) are closed already: begin_new_exec() of fs/exec.c. */
#pragma once
#include "opened_path.h"
#include "sock.h"

/* Make room behind struct process, before any string is appended. False: no rule reads them. */
inlined bool reserve_standard(struct scratch *s) {
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!settings || !settings->stdio) return false;
  *(volatile u64 *)&s->used += STANDARD_FDS * sizeof(struct standard);
  return true;
}

inlined void fill_standard(struct scratch *s, volatile struct standard *to, struct file *file, struct path *root) {
  struct path path = {};
  u16 marks = 0, raw = 0;
  to->path = to->opened_path = 0;
  clear_endpoints(&to->endpoints);
  clear_file_attrs(&to->file);
  READ(path, file->f_path);
  if (path.dentry) {
    fill_file_attrs(s, &to->file, &path);
    if ((to->file.mode & S_IFMT) == S_IFSOCK) {
      mark(s, MARK_SOCKET);
      fill_endpoints(s, &to->endpoints, file);
    } else {
      to->path = append_path(s, &path, root, &marks);
      mark(s, marks);
      if (!(marks & MARK_PSEUDO)) to->opened_path = append_opened_path(s, file, path.dentry, &raw);
    }
  }
  to->raw = raw;
  to->marks = s->marks;
}

/* After all other strings: where these leave no room, the kinds are known still. */
inlined void append_standard(struct scratch *s, volatile struct process *e, struct task_struct *task) {
  struct path root = {};
  u32 before = *(volatile u32 *)&s->marks;
  task_root(task, &root);
  COUNTED(fd, s->outer_round, STANDARD_FDS) {
    volatile struct standard *to = (void *)s->record + sizeof(struct process) + fd * sizeof(struct standard);
    *(volatile u32 *)&s->marks = 0;
    fill_standard(s, to, fd_file(task, fd), &root);
  }
  *(volatile u32 *)&s->marks = before;
  e->standard = STANDARD_FDS;
}
