/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Subprograms of the programs of deny rules, linked as those of filter_parts.c are; compiled where a rule denies. The arguments
   of a hook are those of include/linux/lsm_hook_defs.h. */
#include "kernel_deny.h"

/* enum reached, never REACHED_AS_GIVEN. */
inlined u64 deny_part_open(const struct deny_call *call) {
  return find_opened(call->slot, TYPED(file, call->arguments[0]));
}

inlined u64 deny_part_exec(const struct deny_call *call) {
  return find_started(call->slot, TYPED(linux_binprm, call->arguments[0]));
}

inlined u64 deny_part_connect(const struct deny_call *call) {
  return find_destination(call->slot, TYPED(socket, call->arguments[0]), (void *)call->arguments[1], call->arguments[2]);
}

inlined u64 deny_part_message(const struct deny_call *call) {
  return find_message(call->slot, TYPED(socket, call->arguments[0]), TYPED(msghdr, call->arguments[1]));
}

inlined u64 deny_part_act(const struct deny_call *call) { return deny_caller(call->slot); }
