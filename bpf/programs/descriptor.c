/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls on one descriptor, or that make one: what it stands for is asked of the kernel at the exit of the call. */
#include "call.h"
#include "sock.h"

#define ADDRESS_MAX 128 /* sizeof(struct sockaddr_storage) */

/* Which descriptor and which socket address, CALLS tells. */
inlined int descriptor_exit(struct point *ctx) {
  s64 result = ctx->result;
  s32 number = ctx->number;
  struct scratch *s = begin(number, SLOT_CALL, sizeof(struct descriptor), result);
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct pt_regs *regs = registers(task);
  volatile struct descriptor *e = (void *)s->record;
  struct path root = {}, path = {};
  u32 flags = 0;
  u16 marks = 0;
  COPY_ARGUMENTS(e->args, regs);
  s32 fd = shape->fd < 0 ? result : e->args[shape->fd & 7];
  struct file *file = file_of(task, fd);
  READ(flags, file->f_flags);
  READ(path, file->f_path);
  e->fd = fd;
  e->flags = flags;
  e->path = e->address = e->data = e->spare = 0;
  no_ends(&e->ends);
  no_file(&e->file);
  if (path.dentry) file_facts(s, &e->file, &path);
  if ((e->file.mode & S_IFMT) == S_IFSOCK) {
    mark(s, MARK_SOCKET);
    ends_of(s, &e->ends, file);
  }
  if (shape->address >= 0) {
    u64 from = e->args[shape->address & 7], length = (u32)e->args[(shape->address + 1) & 7];
    e->address = append(s, USER, (void *)from, length > ADDRESS_MAX ? ADDRESS_MAX : length);
  }
  if (path.dentry && !e->ends.family) {
    root_of(task, &root);
    e->path = append_path(s, &path, &root, &marks);
    mark(s, marks);
  }
  return send(s);
}
