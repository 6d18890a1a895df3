/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Denials: programs at hooks of the security modules (BPF LSM), for rules that are decided there exactly
   (plugins/sources/ebpf/kernel_filter/deny.py). What a hook is given is what the call will act on; the call returns -EPERM, and
   nothing has happened.

   These programs run in tasks that can be preempted, by one that comes to a hook on the same CPU. So what a program works with
   is its own: it takes one of DENY_SLOTS by an exchange (deny_program.py), and gives it back at its end. */
#pragma once
#include "kernel_kill.h"

#define DENY_PATH 256
#define FMODE_EXEC 0x20  /* in the flags of a file that an exec opens */
#define ELF_MAGIC 0x464c457f
#define MSG_FASTOPEN 0x20000000
#define AF_UNSPEC 0
#define IPPROTO_UDP 17
#define LOOPBACK 0x0100007f /* 127.0.0.1 */

/* An entry of the queue DENIALS, for user space. */
struct denial {
  u64 time, start;      /* boot clock, ns: now, and when the process began */
  u32 pid, uid;
  u32 rule, hook;       /* number of the rule; enum deny_hook */
  u32 acted, protocol;
  u32 family, port;     /* of an address */
  u32 address[4];
  u8 comm[16];
  char path[DENY_PATH]; /* of a file or program */
};
_Static_assert(sizeof(struct denial) == DENIAL_SIZE, "denial");

struct deny_slot {
  struct filter_scratch filter; /* what is tested, as by filters; first */
  u64 busy;
  struct denial denial;
  struct scratch walk;
};
_Static_assert(sizeof(struct deny_slot) == DENY_SLOT_SIZE, "deny_slot");
_Static_assert(__builtin_offsetof(struct deny_slot, busy) == FILTER_SCRATCH_SIZE, "busy");

enum deny_hook { DENY_OPEN, DENY_EXEC, DENY_CONNECT, DENY_SEND };

struct deny_call { u64 *arguments; struct deny_slot *slot; }; /* on the stack of the program */

/* The path that is about to be opened, as fd.realpath has it, and the flags. REACHED_UNKNOWN: user space has to look at it. */
inlined u64 find_opened(struct deny_slot *slot, struct file *file) {
  struct path root = {}, path = {};
  u32 flags = 0;
  READ(flags, file->f_flags);
  if (flags & FMODE_EXEC) return REACHED_UNKNOWN; /* of an exec: bprm_check_security decides */
  slot->filter.open.flags = flags;
  slot->denial.hook = DENY_OPEN;
  READ(path, file->f_path);
  if (!path.dentry) return REACHED_UNKNOWN;
  READ(root, current_task()->fs->root);
  if (walk_real_path(&slot->walk, &path, &root) & ~MARK_OUTSIDE) return REACHED_UNKNOWN;
  return take_walked(&slot->filter.real, &slot->walk);
}

/* The program that is about to run. A script is looked at by its interpreter, which is what proc.exepath is then. */
inlined u64 find_started(struct deny_slot *slot, struct linux_binprm *started) {
  struct file *file = 0;
  struct path path = {};
  u32 magic = 0;
  read_kernel(&magic, sizeof(magic), (const void *)started->buf);
  if (magic != ELF_MAGIC) return REACHED_UNKNOWN;
  slot->denial.hook = DENY_EXEC;
  READ(file, started->file);
  READ(path, TYPED(file, file)->f_path);
  note_executable(&slot->filter, &slot->walk, &path);
  return REACHED_OTHERWISE;
}

struct address { u16 family, port; u32 v4, v6[4], scope; }; /* struct sockaddr_in and sockaddr_in6 */

/* `given` is the kernel's copy of a struct sockaddr. False: it is too short, and the call fails. */
inlined bool read_address(struct address *address, const void *given, u32 length) {
  if (length < 16) return false;
  read_kernel(address, 16, given);
  if (address->family != AF_INET6) return true;
  if (length < 24) return false;
  read_kernel(address, sizeof(*address), given);
  return true;
}

/* Where it is no address, this host is meant: the one that the socket is bound to, or else the loopback (tcp_v4_connect,
   tcp_v6_connect, udp_sendmsg). */
inlined u64 note_destination(struct deny_slot *slot, struct sock *sock, struct address *address, u16 protocol) {
  struct kill_facts *facts = &slot->filter.facts;
  VIEW(sock_common, common, TYPED(sock, sock)->__sk_common);
  facts->protocol = protocol;
  facts->port = __builtin_bswap16(address->port);
  facts->address[1] = facts->address[2] = facts->address[3] = 0;
  if (address->family == AF_INET6 && is_mapped((u8 *)address->v6)) {
    address->family = AF_INET;
    address->v4 = address->v6[3];
  }
  facts->family = address->family;
  if (address->family == AF_INET) {
    u32 bound = common->skc_rcv_saddr;
    facts->address[0] = address->v4 ? address->v4 : bound ? bound : LOOPBACK;
  } else if (address->family == AF_INET6) {
    __builtin_memcpy(facts->address, address->v6, 16);
    if (!(address->v6[0] | address->v6[1] | address->v6[2] | address->v6[3])) facts->address[3] = 0x01000000;
  } else {
    return REACHED_UNKNOWN; /* AF_UNSPEC: the socket is disconnected */
  }
  return REACHED_OTHERWISE;
}

/* What TCP is about to connect to. */
inlined u64 find_destination(struct deny_slot *slot, struct socket *socket, const void *given, u32 length) {
  struct address address = {};
  struct sock *sock = 0;
  u16 protocol = 0;
  READ(sock, socket->sk);
  READ(protocol, TYPED(sock, sock)->sk_protocol);
  if (protocol != IPPROTO_TCP || !read_address(&address, given, length)) return REACHED_UNKNOWN;
  slot->denial.hook = DENY_CONNECT;
  return note_destination(slot, sock, &address, protocol);
}

/* Where a datagram goes: to the address that is given with it, or else to the socket's peer. Of a socket of IPv4 AF_UNSPEC means
   AF_INET, of one of IPv6 that no address is given (udp_sendmsg, udpv6_sendmsg). */
inlined u64 find_datagram(struct deny_slot *slot, struct sock *sock, const void *name, s32 length) {
  struct address address = {};
  VIEW(sock_common, common, TYPED(sock, sock)->__sk_common);
  u16 family = common->skc_family;
  if (name && !read_address(&address, name, length)) return REACHED_UNKNOWN;
  if (name && address.family == AF_UNSPEC && family == AF_INET) address.family = AF_INET;
  if (address.family == AF_UNSPEC) {
    address.family = family;
    address.port = common->skc_dport;
    if (!address.port) return REACHED_UNKNOWN; /* it has no peer, and the call fails */
    address.v4 = common->skc_daddr;
    __builtin_memcpy(address.v6, (void *)&common->skc_v6_daddr, 16);
  }
  slot->denial.hook = DENY_SEND;
  return note_destination(slot, sock, &address, IPPROTO_UDP);
}

/* A datagram, or a message that connects (TCP fast open); any other is what its connection was judged by. */
inlined u64 find_message(struct deny_slot *slot, struct socket *socket, struct msghdr *message) {
  struct sock *sock = 0;
  void *name = 0;
  u32 flags = 0;
  s32 length = 0;
  u16 protocol = 0;
  READ(flags, message->msg_flags);
  READ(name, message->msg_name);
  READ(length, message->msg_namelen);
  READ(sock, socket->sk);
  if (!sock) return REACHED_UNKNOWN;
  READ(protocol, TYPED(sock, sock)->sk_protocol);
  if (protocol == IPPROTO_UDP) return find_datagram(slot, sock, name, length);
  if (!(flags & MSG_FASTOPEN) || !name) return REACHED_UNKNOWN;
  return find_destination(slot, socket, name, length);
}

/* The call matches this rule: whether it is denied. Denials go into the queue DENIALS, those of a dry run too. */
inlined u64 deny_caller(struct deny_slot *slot) {
  u32 zero = 0, rule = slot->filter.kill_rule;
  struct kill *one = LOOKUP(KILLS, &rule), *all = LOOKUP(KILLS, &zero);
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  struct task_struct *task = current_task();
  struct denial *denial = &slot->denial;
  if (!one || !all || !settings || settings->off || one->mode == KILL_OFF) return 0;
  u64 now = bpf_ktime_get_boot_ns(), minute = now / MINUTE;
  if (is_never_killed(task, settings) || is_spent(one, minute) || is_spent(all, minute)) {
    __sync_fetch_and_add(&one->left, 1);
    return 0;
  }
  __sync_fetch_and_add(&one->spent, 1);
  __sync_fetch_and_add(&all->spent, 1);
  __sync_fetch_and_add(&one->acts, 1);
  denial->time = now;
  denial->start = task->group_leader->start_boottime;
  denial->pid = task->tgid;
  denial->uid = task->cred->uid;
  denial->rule = rule;
  denial->acted = one->mode == KILL_ACTS;
  denial->protocol = slot->filter.facts.protocol;
  denial->family = slot->filter.facts.family;
  denial->port = slot->filter.facts.port;
  __builtin_memcpy(denial->address, slot->filter.facts.address, sizeof(denial->address));
  bpf_get_current_comm(denial->comm, sizeof(denial->comm));
  read_kernel(denial->path, DENY_PATH, slot->filter.real.bytes);
  bpf_map_push_elem(MAP(DENIALS), denial, 0); /* full: KILLS counts it */
  return one->mode == KILL_ACTS;
}
