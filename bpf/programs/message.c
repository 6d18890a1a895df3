/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendto, recvfrom, sendmsg, recvmsg: the socket address that the call names, and the first bytes. */
#include "msghdr.h"

inlined int message_exit(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  if (!s) return 0;
  volatile struct descriptor *e = (void *)s->record;
  u64 most = result >= 0 ? result : number == NR_sendto || number == NR_sendmsg ? ~0ull : 0;
  COPY_ARGS(e->args, sys->args);
  fill_descriptor(s, e, sys, current_task(), sys->args[0]);
  if (number == NR_sendmsg || number == NR_recvmsg) {
    u64 message = sys->args[1];
    sum_iovecs(s, sys, &e->args[6], arg_word(sys, message, MESSAGE_VECTORS), arg_word(sys, message, MESSAGE_COUNT));
    append_message(s, sys, e, message, most);
    return OUTPUT_INDEX;
  }
  u64 length = sys->args[2], name = sys->args[4], name_length = sys->args[5];
  u32 size = 0;
  if (number == NR_recvfrom) { /* there it is a pointer to the length */
    read_arg(sys, &size, sizeof(size), name_length);
    name_length = size;
  }
  if (name) e->address = append_address(s, sys, name, name_length);
  if (length > most) length = most;
  e->data = append_data(s, sys, sys->args[1], length);
  return OUTPUT_INDEX;
}
