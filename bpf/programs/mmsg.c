/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* sendmmsg, recvmmsg: one event for each message, or one for a call that failed. A run makes one of them. */
#include "msghdr.h"

#define MESSAGES_MAX 8 /* events of one call; a power of two */

inlined int mmsg_exit(struct syscall_ctx *sys) {
  s64 result = sys->result;
  u64 at = sys->args[1], done = sys->done & (MESSAGES_MAX - 1);
  struct scratch *s = begin_syscall_record(sys, sizeof(struct descriptor));
  sys->done = 0;
  if (!s) return 0;
  volatile struct descriptor *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  fill_descriptor(s, e, sys, current_task(), sys->args[0]);
  if (result > 0) {
    at += done * MESSAGE_WORDS * (sys->entry_path == ENTRY_COMPAT ? 4 : 8);
    u32 moved = arg_word(sys, at, MESSAGE_MOVED);
    e->head.result = moved;
    append_message(s, sys, e, at, moved);
  }
  done += 1;
  if ((s64)done < result && done < MESSAGES_MAX) sys->done = done;
  return OUTPUT_INDEX;
}
