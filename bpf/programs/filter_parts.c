/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Subprograms of kernel filters: what reads memory of the kernel or of the caller. The instructions of a filter are made
   from the rules without a compiler (plugins/sources/ebpf/kernel_filter/filter_program.py) and call these. What a
   subprogram finds beside its result lies in `g`. */
#include "kernel_filter.h"

struct filter_call { const struct syscall_ctx *sys; struct filter_scratch *g; }; /* on the stack of the filter */

inlined u64 part_process_bits(const struct filter_call *call) { return process_bits(call->sys, call->g); }

inlined u64 part_count_filtered(const struct filter_call *call) { return count_filtered(call->sys); }

inlined u64 part_open_args(const struct filter_call *call) {
  take_open_args(call->g, call->sys);
  return 0;
}

/* 0: the name has to be looked at in user space. */
inlined u64 part_name(const struct filter_call *call) {
  return name_of(&call->g->given, call->sys, call->g->open.dirfd, call->g->open.user);
}

/* enum reached. */
inlined u64 part_reached(const struct filter_call *call) { return reached_by(call->g, call->sys, true); }

inlined u64 part_sock(const struct filter_call *call) {
  struct filter_scratch *g = call->g;
  struct sock_info sock = {};
  lookup_sock(&sock, call->sys, g->sock_fd, g->sock_is_socket, g->sock_wants_protocol);
  g->sock = sock;
  return 0;
}

/* enum ends_found. */
inlined u64 part_ends(const struct filter_call *call) { return find_ends(&call->g->client, &call->g->server, call->sys); }

inlined u64 part_must_emit_path(const struct filter_call *call) {
  return must_emit_path(call->g, call->sys, &call->g->open);
}

inlined u64 part_must_emit_differing(const struct filter_call *call) { return must_emit_differing(call->g, call->sys, &call->g->open); }
