/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Messages of several parts: who they go to or came from, and their first bytes. */
#pragma once
#include "descriptor.h"
#include "iovec.h"

/* Words of struct msghdr; struct mmsghdr adds how many bytes were moved. */
enum message { MESSAGE_NAME, MESSAGE_NAME_LENGTH, MESSAGE_VECTORS, MESSAGE_COUNT, MESSAGE_MOVED = 7, MESSAGE_WORDS };

/* Address and bytes. */
inlined void append_message(struct scratch *s, const struct syscall_ctx *sys, volatile struct descriptor *e, u64 message,
                            u64 most) {
  u64 list = arg_word(sys, message, MESSAGE_VECTORS), count = arg_word(sys, message, MESSAGE_COUNT);
  u64 name = arg_word(sys, message, MESSAGE_NAME);
  if (name) e->address = append_address(s, sys, name, (u32)arg_word(sys, message, MESSAGE_NAME_LENGTH));
  e->data = append_iovec_data(s, sys, list, count, most);
}
