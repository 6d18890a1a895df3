/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct sock: both endpoints of a socket as the kernel has them, also while connect is in progress (EINPROGRESS). */
#pragma once
#include "file.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

inlined void clear_endpoints(volatile struct endpoints *to) { __builtin_memset((void *)to, 0, sizeof(*to)); }

/* The sun_path that a unix socket is bound to; an abstract one begins with NUL. */
inlined u16 append_unix_name(struct scratch *s, struct unix_sock *sock) {
  struct unix_address *address = 0;
  s32 length = 0;
  READ(address, TYPED(unix_sock, sock)->addr);
  if (!address) return 0;
  READ(length, address->len);
  length -= 2; /* without sun_family */
  if (length < 1) return 0;
  return append(s, KERNEL, (char *)&address->name + 2, length > 128 ? 128 : length);
}

/* All but the names of a unix socket; gives its sock, 0 where there is none any more. */
inlined struct sock *fill_ip_endpoints(volatile struct endpoints *to, struct file *file) {
  struct socket *socket = 0;
  struct sock *sock = 0;
  u16 type = 0, protocol = 0;
  READ(socket, file->private_data);
  READ(sock, TYPED(socket, socket)->sk);
  if (!sock) return 0;
  VIEW(sock_common, common, sock->__sk_common);
  READ(type, sock->sk_type);
  READ(protocol, sock->sk_protocol);
  u16 family = common->skc_family;
  to->family = family; to->type = type; to->protocol = protocol; to->state = common->skc_state;
  if (family == AF_INET) {
    __builtin_memcpy((void *)to->local, (void *)&common->skc_rcv_saddr, 4);
    __builtin_memcpy((void *)to->remote, (void *)&common->skc_daddr, 4);
  } else if (family == AF_INET6) {
    __builtin_memcpy((void *)to->local, (void *)&common->skc_v6_rcv_saddr, 16);
    __builtin_memcpy((void *)to->remote, (void *)&common->skc_v6_daddr, 16);
  } else {
    return sock;
  }
  to->local_port = common->skc_num;
  to->remote_port = __builtin_bswap16(common->skc_dport);
  return sock;
}

SUBPROGRAM(fill_endpoints)(struct scratch *s, volatile struct endpoints *to, struct file *file) {
  struct unix_sock *own = (void *)fill_ip_endpoints(to, file);
  struct sock *peer = 0;
  if (!own || to->family != AF_UNIX) return 0;
  READ(peer, TYPED(unix_sock, own)->peer);
  to->own = (u64)own; to->peer = (u64)peer;
  to->local_name = append_unix_name(s, own);
  if (peer) to->remote_name = append_unix_name(s, (void *)peer);
  return 0;
}
inlined void fill_endpoints(struct scratch *s, volatile struct endpoints *to, struct file *file) {
  CALL_SUBPROGRAM(fill_endpoints)(s, to, file);
}
