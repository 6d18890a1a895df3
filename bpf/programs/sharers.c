/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Processes that share the table of descriptors of one that a kill rule kills, and one that would hold it at its end, are
   ended with it: as its signal is delivered (signal_deliver), where the kernel defers the signals of a program and holds one,
   and at its end (sched_process_exit, before it gives its descriptors back), where it sends those that are left. These are
   programs at tracepoints, since the kernel lets those signal other tasks (Linux 6.13) and not those at raw ones. */
#include "kernel_kill.h"

struct deliver_ctx { u64 common; s32 signal; }; /* their contexts */
struct exit_ctx { u64 common; };

inlined struct shared *noted(u32 tgid) { return LOOKUP(KILL_SHARED, &tgid); }

/* The holder first: while it lives there is no end. */
inlined void end_with(const struct shared *shared, u32 tgid) {
  if (!HAS(signals_of_tasks)) return;
  if (shared->holder) kill_others(0, shared->holder, tgid);
  kill_others(shared->files, 0, tgid);
}

inlined int sharers_signalled(struct deliver_ctx *ctx) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct shared *shared = noted(tgid);
  if (shared && ctx->signal == SIGNAL_KILL) end_with(shared, tgid);
  return 0;
}

inlined int sharers_ended(struct exit_ctx *ctx) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct shared *shared = noted(tgid);
  if (!shared) return 0;
  end_with(shared, tgid);
  bpf_map_delete_elem(MAP(KILL_SHARED), &tgid);
  return 0;
}
