/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The socket that a call is about, as far as gates ask. */
#pragma once
#include "descriptor.h"

struct end { struct file *file; u16 family, protocol, port; u8 state; }; /* family 0: no socket */

/* `is_socket`: the call could not have done what it did on anything else; `protocol`: whether somebody asks for it. */
inlined void what_stands_at(struct end *end, const struct made *made, s32 fd, bool is_socket, bool protocol) {
  struct inode *inode = 0;
  struct socket *socket = 0;
  struct sock *sock = 0;
  u16 mode = S_IFSOCK;
  end->family = end->protocol = end->port = end->state = 0;
  end->file = file_for(made, bpf_get_current_task_btf(), fd);
  if (!end->file) return;
  if (!is_socket) {
    READ(inode, end->file->f_inode);
    READ(mode, inode->i_mode);
  }
  if ((mode & S_IFMT) != S_IFSOCK) return;
  READ(socket, end->file->private_data);
  READ(sock, TYPED(socket, socket)->sk);
  VIEW(sock_common, common, sock->__sk_common);
  if (protocol) READ(end->protocol, sock->sk_protocol);
  end->family = common->skc_family; end->port = common->skc_dport; end->state = common->skc_state;
}
