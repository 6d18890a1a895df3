/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendto, recvfrom, sendmsg, recvmsg: the other end as the call names it, and the first bytes. */
#include "messages.h"

inlined int message_exit(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  if (!s) return 0;
  volatile struct descriptor *e = (void *)s->record;
  u64 most = result >= 0 ? result : number == NR_sendto || number == NR_sendmsg ? DATA_MAX : 0;
  COPY_ARGUMENTS(e->args, made->args);
  describe_file(s, e, made, bpf_get_current_task_btf(), made->args[0]);
  if (number == NR_sendmsg || number == NR_recvmsg) {
    u64 message = made->args[1];
    add_parts(made, &e->args[6], given_word(made, message, MESSAGE_VECTORS), given_word(made, message, MESSAGE_COUNT));
    append_message(s, made, e, message, most);
    return send(s);
  }
  u64 length = made->args[2], name = made->args[4], name_length = made->args[5];
  u32 given = 0;
  if (number == NR_recvfrom) { /* there it is a pointer to the length */
    read_given(made, &given, sizeof(given), name_length);
    name_length = given;
  }
  if (name) e->address = append_address(s, made, name, name_length);
  if (length > most) length = most;
  e->data = append_given(s, made, made->args[1], length > DATA_MAX ? DATA_MAX : length);
  return send(s);
}
