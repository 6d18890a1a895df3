/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendto, recvfrom, sendmsg, recvmsg: the other end as the call names it, and the first bytes. */
#include "descriptor.h"

struct vector { u64 base, length; };                                            /* struct iovec */
struct message { u64 name; u32 name_length, pad; u64 vectors, count, control, control_length; }; /* struct msghdr */
#define VECTORS 16 /* parts of a message whose lengths are added up */

/* First part of a message; args[6] becomes the length of all. */
inlined struct vector parts_of(volatile struct descriptor *e, struct message *message) {
  struct vector first = {}, one = {};
  u64 whole = 0;
  for (int i = 0; i < VECTORS; i++) {
    if (i >= message->count) break;
    if (bpf_probe_read_user(&one, sizeof(one), (void *)(message->vectors + i * sizeof(one)))) break;
    if (i == 0) first = one;
    whole += one.length;
  }
  e->args[6] = whole;
  return first;
}

inlined int message_exit(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct descriptor *e = (void *)s->record;
  struct vector data = {};
  u64 name = 0, name_length = 0;
  COPY_ARGUMENTS(e->args, made->args);
  describe_file(s, e, task, made->args[0]);
  if (number == NR_sendmsg || number == NR_recvmsg) {
    struct message message = {};
    bpf_probe_read_user(&message, sizeof(message), (void *)made->args[1]);
    data = parts_of(e, &message);
    name = message.name;
    name_length = message.name_length;
  } else {
    u32 given = 0;
    data.base = made->args[1];
    data.length = made->args[2];
    name = made->args[4];
    name_length = made->args[5];
    if (number == NR_recvfrom) { /* there it is a pointer to the length */
      bpf_probe_read_user(&given, sizeof(given), (void *)name_length);
      name_length = given;
    }
  }
  if (name) e->address = append_address(s, made, name, name_length);
  u64 length = result >= 0 && result < data.length ? result : data.length;
  if (result >= 0 || number == NR_sendto || number == NR_sendmsg)
    e->data = append(s, USER, (void *)data.base, length > DATA_MAX ? DATA_MAX : length);
  return send(s);
}
