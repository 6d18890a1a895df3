/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* accept, accept4: the new socket, and length and limit of the listener's accept queue (sk_ack_backlog). */
#include "descriptor.h"

inlined int accept_exit(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  if (!s) return 0;
  struct task_struct *task = current_task();
  volatile struct descriptor *e = (void *)s->record;
  struct socket *socket = 0;
  struct sock *sock = 0;
  u32 length = 0, limit = 0;
  COPY_ARGS(e->args, sys->args);
  fill_descriptor(s, e, sys, task, result);
  struct file *file = syscall_file(sys, task, sys->args[0]);
  struct inode *inode = 0;
  u16 mode = 0;
  READ(inode, file->f_inode);
  READ(mode, inode->i_mode);
  if ((mode & S_IFMT) == S_IFSOCK) {
    READ(socket, file->private_data);
    READ(sock, TYPED(socket, socket)->sk);
    READ(length, sock->sk_ack_backlog);
    READ(limit, sock->sk_max_ack_backlog);
  }
  e->args[6] = length;
  e->args[7] = limit;
  return OUTPUT_INDEX;
}
