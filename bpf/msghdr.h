/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct msghdr of sendmsg and recvmsg: the socket address, and the first bytes of its iovecs. */
#pragma once
#include "descriptor.h"
#include "iovec.h"

/* Words of struct msghdr; struct mmsghdr has one more, the bytes that were sent or received (msg_len). */
enum message { MESSAGE_NAME, MESSAGE_NAME_LENGTH, MESSAGE_VECTORS, MESSAGE_COUNT, MESSAGE_MOVED = 7, MESSAGE_WORDS };

inlined void append_message(struct scratch *s, const struct syscall_ctx *sys, volatile struct descriptor *e,
                            u64 message, u64 most) {
  u64 list = arg_word(sys, message, MESSAGE_VECTORS), count = arg_word(sys, message, MESSAGE_COUNT);
  u64 name = arg_word(sys, message, MESSAGE_NAME);
  if (name) e->address = append_address(s, sys, name, (u32)arg_word(sys, message, MESSAGE_NAME_LENGTH));
  e->data = append_iovec_data(s, sys, list, count, most);
}
