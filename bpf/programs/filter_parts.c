/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Subprograms of kernel filters: what reads memory of the kernel or of the caller. The instructions of a filter are made
   from the rules without a compiler and call these (relocatable.py `link`). A subprogram has one argument, the call; what
   else it needs, and what it finds beside its result, lies in FILTER_SCRATCH. */
#include "kernel_filter.h"

inlined u64 part_process_bits(const struct syscall_ctx *sys) { return process_bits(sys); }

inlined u64 part_count_filtered(const struct syscall_ctx *sys) { return count_filtered(sys); }

inlined u64 part_open_args(const struct syscall_ctx *sys) {
  struct filter_scratch *g = filter_scratch();
  struct open_args open = {};
  if (!g) return 0;
  parse_open_args(&open, sys);
  g->open = open;
  return 0;
}

/* 0: the name has to be looked at in user space. */
inlined u64 part_name(const struct syscall_ctx *sys) {
  struct filter_scratch *g = filter_scratch();
  return g && name_of(g, sys, g->open.dirfd, g->open.user, 0, 0, 0, 0);
}

inlined u64 part_sock(const struct syscall_ctx *sys) {
  struct filter_scratch *g = filter_scratch();
  struct sock_info sock = {};
  if (!g) return 0;
  lookup_sock(&sock, sys, g->sock_fd, g->sock_is_socket, g->sock_wants_protocol);
  g->sock = sock;
  return 0;
}

inlined u64 part_must_emit_path(const struct syscall_ctx *sys) {
  struct filter_scratch *g = filter_scratch();
  return !g || must_emit_path(g, sys, &g->open);
}

inlined u64 part_path_differs(const struct syscall_ctx *sys) {
  struct filter_scratch *g = filter_scratch();
  return !g || path_differs(g, sys, &g->open);
}
