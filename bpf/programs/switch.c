/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Raw tracepoint sched_switch: a CPU changes from the current task to the next, the idle task (0) and kernel
   threads included. */
#include "scalar_event.h"
#include "task.h"

inlined int switched(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *task = bpf_get_current_task_btf(), *next = TYPED(task_struct, ctx->args[2]);
  struct mm_struct *mm = task->mm; /* none: a kernel thread, or one that is ending */
  u64 who = bpf_get_current_pid_tgid();
  u32 pid = 0, tid = 0, zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  READ(pid, next->tgid);
  READ(tid, next->pid);
  bool is_preempted = ctx->args[0] || !task->state; /* or still runnable; the idle task always is runnable */
  /* A switch to mozu counts as mozu's own, which count_seen filters: its record would wake mozu again. */
  if (settings && settings->own == pid && is_preempted) who = (u64)pid << 32;
  if (!count_seen(who, TYPE_SWITCH)) return 0;
  u64 args[6] = {tid, task->maj_flt, task->min_flt};
  if (mm) {
    args[3] = mm->total_vm * PAGE_KB;
    args[4] = resident_pages(mm) * PAGE_KB;
    args[5] = PAGES_OF(mm->rss_swap) * PAGE_KB;
  }
  return emit_scalar_event(who, TYPE_SWITCH, args);
}
