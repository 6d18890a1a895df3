/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What a descriptor stands for, asked of the kernel at the exit of a call. */
#pragma once
#include "call.h"
#include "given.h"
#include "sock.h"

#define ADDRESS_MAX 128 /* sizeof(struct sockaddr_storage) */

inlined struct file *file_for(const struct made *made, struct task_struct *task, s32 fd) {
  return TYPED(file, made->file && fd != made->result ? (struct file *)made->file : file_of(task, fd));
}

/* Facts of the file, both ends of a socket. The path comes last: `append_file_path`. */
inlined void describe_file(struct scratch *s, volatile struct descriptor *e, const struct made *made,
                           struct task_struct *task, s32 fd) {
  struct file *file = file_for(made, task, fd);
  struct path path = {};
  u32 flags = 0;
  READ(flags, file->f_flags);
  READ(path, file->f_path);
  e->fd = fd;
  e->flags = flags;
  e->path = e->given = e->raw = e->address = e->data = e->block[0] = e->block[1] = e->block[2] = 0;
  no_ends(&e->ends);
  no_file(&e->file);
  if (path.dentry) file_facts(s, &e->file, &path);
  if ((e->file.mode & S_IFMT) == S_IFSOCK) {
    mark(s, MARK_SOCKET);
    ends_of(s, &e->ends, file);
  }
}

inlined void append_file_path(struct scratch *s, volatile struct descriptor *e, const struct made *made,
                              struct task_struct *task) {
  struct file *file = file_for(made, task, e->fd);
  struct path root = {}, path = {};
  u16 marks = 0, raw = 0;
  READ(path, file->f_path);
  if (!path.dentry || s->marks & MARK_SOCKET) return;
  root_of(task, &root);
  e->path = append_path(s, &path, &root, &marks);
  mark(s, marks);
  if (marks & MARK_PSEUDO) return; /* opened through /proc/PID/fd: it is no file */
  e->given = append_given_name(s, file, path.dentry, &raw);
  e->raw = raw;
}

inlined u16 append_address(struct scratch *s, const struct made *made, u64 from, u32 length) {
  return append_given(s, made, from, length > ADDRESS_MAX ? ADDRESS_MAX : length);
}

/* Last of all texts. */
inlined void append_blocks(struct scratch *s, const struct made *made, volatile struct descriptor *e,
                           struct shape *shape) {
  e->block[0] = append_block(s, made, e->args, shape->block[0], shape->size[0]);
  e->block[1] = append_block(s, made, e->args, shape->block[1], shape->size[1]);
  e->block[2] = append_block(s, made, e->args, shape->block[2], shape->size[2]);
}
