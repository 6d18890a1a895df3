/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendmmsg, recvmmsg: one event a message that was moved, or one for a call that failed. */
#include "messages.h"

#define MESSAGES 8 /* of one call that are told */

/* A message of no length where `at` is 0. */
inlined int one_message(struct made *made, s64 result, u64 at) {
  made->result = result;
  struct scratch *s = begin_call(made, sizeof(struct descriptor));
  if (!s) return 0;
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  describe_file(s, e, made, bpf_get_current_task_btf(), made->args[0]);
  if (at) append_message(s, made, e, at, result);
  return send(s);
}

inlined int messages_exit(struct made *made) {
  s64 result = made->result;
  u64 at = made->args[1], size = MESSAGE_WORDS * (made->way == WAY_COMPAT ? 4 : 8);
  if (result <= 0) return one_message(made, result, 0);
  for (u32 i = 0; i < MESSAGES; i++) {
    if (i >= result) break;
    one_message(made, (u32)given_word(made, at, MESSAGE_MOVED), at);
    at += size;
  }
  return 0;
}
