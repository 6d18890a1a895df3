/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendmmsg, recvmmsg: one event for each message, or one for a call that failed. */
#include "msghdr.h"

#define MESSAGES_MAX 8 /* events of one call */

/* `at`: address of its struct mmsghdr, 0 for none. */
inlined int one_message(struct syscall_ctx *sys, s64 result, u64 at) {
  sys->result = result;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  if (!s) return 0;
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  fill_descriptor(s, e, sys, current_task(), sys->args[0]);
  if (at) append_message(s, sys, e, at, result);
  return submit_record(s);
}

inlined int mmsg_exit(struct syscall_ctx *sys) {
  s64 result = sys->result;
  u64 at = sys->args[1], size = MESSAGE_WORDS * (sys->entry_path == ENTRY_COMPAT ? 4 : 8);
  if (result <= 0) return one_message(sys, result, 0);
  for (u32 i = 0; i < MESSAGES_MAX; i++) {
    if (i >= result) break;
    one_message(sys, (u32)arg_word(sys, at, MESSAGE_MOVED), at);
    at += size;
  }
  return 0;
}
