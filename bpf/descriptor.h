/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct descriptor: the file or socket behind a file descriptor, read from the task's fd table at the exit of a
   call. */
#pragma once
#include "syscall_ctx.h"
#include "opened_path.h"
#include "sock.h"

#define SOCKADDR_MAX 128 /* sizeof(struct sockaddr_storage) */

inlined struct file *syscall_file(const struct syscall_ctx *sys, struct task_struct *task, s32 fd) {
  return TYPED(file, sys->file && fd != sys->result ? (struct file *)sys->file : fd_file(task, fd));
}

/* The file's attributes; both endpoints of a socket. Then append the strings: the call's own, `append_file_path`,
   `append_blocks`. */
inlined void fill_descriptor(struct scratch *s, volatile struct descriptor *e, const struct syscall_ctx *sys,
                             struct task_struct *task, s32 fd) {
  struct file *file = syscall_file(sys, task, fd);
  struct path path = {};
  u32 flags = 0;
  READ(flags, file->f_flags);
  READ(path, file->f_path);
  e->fd = fd;
  e->flags = flags;
  e->path = e->opened_path = e->raw = e->address = e->data = e->block[0] = e->block[1] = e->block[2] = 0;
  clear_endpoints(&e->endpoints);
  clear_file_attrs(&e->file);
  if (path.dentry) fill_file_attrs(s, &e->file, &path);
  if ((e->file.mode & S_IFMT) == S_IFSOCK) {
    mark(s, MARK_SOCKET);
    fill_endpoints(s, &e->endpoints, file);
  }
}

inlined void append_file_path(struct scratch *s, volatile struct descriptor *e, const struct syscall_ctx *sys,
                              struct task_struct *task) {
  struct file *file = syscall_file(sys, task, e->fd);
  struct path root = {}, path = {};
  u16 marks = 0, raw = 0;
  READ(path, file->f_path);
  if (!path.dentry || s->marks & MARK_SOCKET) return;
  task_root(task, &root);
  e->path = append_path(s, &path, &root, &marks);
  mark(s, marks);
  if (marks & MARK_PSEUDO) return; /* opened through /proc/PID/fd: a pipe or socket */
  e->opened_path = append_opened_path(s, file, path.dentry, &raw);
  e->raw = raw;
}

inlined u16 append_address(struct scratch *s, const struct syscall_ctx *sys, u64 from, u32 length) {
  return append_arg(s, sys, from, length > SOCKADDR_MAX ? SOCKADDR_MAX : length);
}

/* After all other strings. */
inlined void append_blocks(struct scratch *s, const struct syscall_ctx *sys, volatile struct descriptor *e,
                           struct arg_layout *layout) {
  e->block[0] = append_block(s, sys, e->args, layout->block[0], layout->size[0]);
  e->block[1] = append_block(s, sys, e->args, layout->block[1], layout->size[1]);
  e->block[2] = append_block(s, sys, e->args, layout->block[2], layout->size[2]);
}
