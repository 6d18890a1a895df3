/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The socket behind a call's descriptor, as far as the kernel filter tests it. */
#pragma once
#include "descriptor.h"

struct sock_info { struct file *file; u16 family, protocol, port; u8 state; }; /* family 0: no socket */

/* `is_socket`: the call succeeded and works on sockets only, so the inode need not be read; `protocol`: whether a
   test needs it. */
inlined void lookup_sock(struct sock_info *info, const struct syscall_ctx *sys, s32 fd, bool is_socket, bool protocol) {
  struct inode *inode = 0;
  struct socket *socket = 0;
  struct sock *sock = 0;
  u16 mode = S_IFSOCK;
  info->family = info->protocol = info->port = info->state = 0;
  info->file = syscall_file(sys, current_task(), fd);
  if (!info->file) return;
  if (!is_socket) {
    READ(inode, info->file->f_inode);
    READ(mode, inode->i_mode);
  }
  if ((mode & S_IFMT) != S_IFSOCK) return;
  READ(socket, info->file->private_data);
  READ(sock, TYPED(socket, socket)->sk);
  VIEW(sock_common, common, sock->__sk_common);
  if (protocol) READ(info->protocol, sock->sk_protocol);
  info->family = common->skc_family; info->port = common->skc_dport; info->state = common->skc_state;
}
