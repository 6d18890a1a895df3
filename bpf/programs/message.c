/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendto, recvfrom, sendmsg, recvmsg: the other end as the call names it, and the first bytes. */
#include "descriptor.h"

struct vector { u64 base, length; }; /* struct iovec, of two words */
enum message { MESSAGE_NAME, MESSAGE_NAME_LENGTH, MESSAGE_VECTORS, MESSAGE_COUNT }; /* words of struct msghdr */
#define VECTORS 16 /* parts of a message whose lengths are added up */

/* First part of a message; args[6] becomes the length of all. */
inlined struct vector parts_of(volatile struct descriptor *e, const struct made *made, u64 message) {
  u64 vectors = given_word(made, message, MESSAGE_VECTORS), count = given_word(made, message, MESSAGE_COUNT), whole = 0;
  struct vector first = {};
  for (int i = 0; i < VECTORS; i++) {
    if (i >= count) break;
    u64 length = given_word(made, vectors, 2 * i + 1);
    if (i == 0) {
      first.base = given_word(made, vectors, 0);
      first.length = length;
    }
    whole += length;
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
    data = parts_of(e, made, made->args[1]);
    name = given_word(made, made->args[1], MESSAGE_NAME);
    name_length = (u32)given_word(made, made->args[1], MESSAGE_NAME_LENGTH);
  } else {
    u32 given = 0;
    data.base = made->args[1];
    data.length = made->args[2];
    name = made->args[4];
    name_length = made->args[5];
    if (number == NR_recvfrom) { /* there it is a pointer to the length */
      read_given(made, &given, sizeof(given), name_length);
      name_length = given;
    }
  }
  if (name) e->address = append_address(s, made, name, name_length);
  u64 length = result >= 0 && result < data.length ? result : data.length;
  if (result >= 0 || number == NR_sendto || number == NR_sendmsg)
    e->data = append(s, USER, (void *)data.base, length > DATA_MAX ? DATA_MAX : length);
  return send(s);
}
