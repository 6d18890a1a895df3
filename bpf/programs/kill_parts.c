/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Subprograms of the programs of kill rules, linked as those of filter_parts.c are and beside
   part_open_args; compiled where a rule kills. */
#include "kernel_kill.h"

struct kill_call { struct syscall_ctx *sys; struct filter_scratch *g; }; /* on the stack of the program */

/* REACHED_UNKNOWN: user space has to look at the socket. */
inlined u64 kill_part_socket(const struct kill_call *call) {
  return find_socket(&call->g->facts, call->sys, call->g->kill_fd, call->g->kill_wants_peer);
}

inlined u64 kill_part_executable(const struct kill_call *call) {
  find_executable(call->g);
  return 0;
}

/* enum reached, never REACHED_AS_GIVEN: the path lies in `real`, whatever text was given. */
inlined u64 kill_part_real(const struct kill_call *call) { return reached_by(call->g, call->sys, false); }

inlined u64 kill_part_act(const struct kill_call *call) { return kill_caller(call->sys, call->g->kill_rule); }
