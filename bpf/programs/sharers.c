/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Processes that share the table of descriptors of one that a kill rule kills are ended with it: at its signal
   (signal_generate), where the kernel defers the signals of a program and has room for one, and at its end
   (sched_process_exit, before it gives its descriptors back), where it sends those that are left. These are programs at
   tracepoints, since the kernel lets those signal other tasks (Linux 6.13) and not those at raw ones. */
#include "kernel_kill.h"

struct generate_ctx { u64 common; s32 signal, error, code; u8 comm[16]; s32 pid; }; /* their contexts */
struct exit_ctx { u64 common; };

inlined u64 *noted_table(u32 tgid) { return LOOKUP(KILL_SHARED, &tgid); }

/* The signal to a sharer passes here, too: to another than the caller. */
inlined int sharers_signalled(struct generate_ctx *ctx) {
  u64 task = bpf_get_current_pid_tgid(), *files = noted_table(task >> 32);
  if (!files || ctx->signal != SIGNAL_KILL || ctx->pid != (u32)task) return 0;
#ifdef SIGNALS_TASKS
  kill_sharers(*files, task >> 32);
#endif
  return 0;
}

inlined int sharers_ended(struct exit_ctx *ctx) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  u64 *files = noted_table(tgid);
  if (!files) return 0;
#ifdef SIGNALS_TASKS
  kill_sharers(*files, tgid);
#endif
  bpf_map_delete_elem(MAP(KILL_SHARED), &tgid);
  return 0;
}
