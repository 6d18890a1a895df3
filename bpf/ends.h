/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The two ends of a socket that connects, in the form in which maps of addresses are asked for them
   (plugins/sources/ebpf/kernel_filter/address_lists.py). They are those that user space shows (core/abi/sockets.py, core/state/transitions/sockets.py):
   the kernel's own, and of a failed connect the address that it was given. */
#pragma once
#include "descriptor.h"

#define TCP_LISTEN 10
#define EFAULT 14
#define EINPROGRESS 115
#define VERSION_BITS 32

/* `prefix` and what follows is a key of a trie, `version` and what follows one of a hash. */
struct end {
  u64 lists;       /* that the address is in, a bit each: set by the filter, which looks it up */
  u32 prefix;      /* bits behind it that count */
  u32 version;     /* bytes of the address, 4 or 16; 0: there is none */
  u32 address[4];
};

/* An IPv4 address in IPv6: user space shows it as IPv4. */
#define MAPPED_PREFIX 0xffff0000u
inlined bool is_mapped(const volatile u8 *address) {
  const volatile u32 *word = (const volatile u32 *)address;
  return !word[0] && !word[1] && word[2] == MAPPED_PREFIX;
}
inlined bool is_ipv4(const volatile u8 *address) {
  const volatile u32 *word = (const volatile u32 *)address;
  return is_mapped(address) || (!word[0] && !word[1] && !word[2] && !word[3]);
}

inlined void set_end(struct end *end, const volatile u8 *address, u32 version, bool mapped) {
  const volatile u32 *word = (const volatile u32 *)address;
  end->version = version;
  end->prefix = VERSION_BITS + 8 * version;
  end->address[0] = mapped ? word[3] : word[0];
  end->address[1] = version == 4 ? 0 : word[1];
  end->address[2] = version == 4 ? 0 : word[2];
  end->address[3] = version == 4 ? 0 : word[3];
}

/* The address that a failed connect was given takes the place of the peer's; false: it is not one of the socket's family. */
inlined bool take_asked(volatile struct endpoints *ends, const struct syscall_ctx *sys) {
  struct { u16 family, port; u32 ipv4; u32 ipv6[4]; } asked = {};
  u32 length = sys->args[2];
  u64 from = sys->args[1];
  if (sys->result == -EFAULT) return false; /* user space may have read less of it */
  if (length < sizeof(asked) && (ends->family == AF_INET6 || length < 16)) return false;
  if (read_arg(sys, &asked, ends->family == AF_INET6 ? 24 : 8, from) < 0 || asked.family != ends->family) return false;
  if (ends->family == AF_INET6) __builtin_memcpy((void *)ends->remote, asked.ipv6, 16);
  else __builtin_memcpy((void *)ends->remote, &asked.ipv4, 4);
  return true;
}

enum ends_found { ENDS_FOUND, ENDS_UNKNOWN };

/* ENDS_UNKNOWN: user space has to look at the call. Without an address if the descriptor is no IP socket. */
inlined u64 find_ends(struct end *client, struct end *server, const struct syscall_ctx *sys) {
  struct endpoints ends = {};
  struct inode *inode = 0;
  u16 mode = 0;
  client->version = server->version = 0;
  client->lists = server->lists = 0;
  struct file *file = syscall_file(sys, current_task(), sys->args[0]);
  if (!file) return ENDS_UNKNOWN;
  READ(inode, file->f_inode);
  READ(mode, inode->i_mode);
  if ((mode & S_IFMT) != S_IFSOCK) return ENDS_FOUND;
  if (!fill_ip_endpoints(&ends, file) || ends.state == TCP_LISTEN) return ENDS_UNKNOWN;
  if (ends.family != AF_INET && ends.family != AF_INET6) return ENDS_FOUND;
  if (sys->result < 0 && sys->result != -EINPROGRESS) {
    if (!take_asked(&ends, sys)) return ENDS_UNKNOWN;
  } else if (!ends.remote_port) {
    return ENDS_UNKNOWN; /* it was disconnected */
  }
  bool mapped = ends.family == AF_INET6 && is_ipv4(ends.local) && is_ipv4(ends.remote);
  u32 version = ends.family == AF_INET || mapped ? 4 : 16;
  set_end(client, ends.local, version, mapped);
  set_end(server, ends.remote, version, mapped);
  return ENDS_FOUND;
}
