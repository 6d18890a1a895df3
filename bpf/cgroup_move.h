/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A process leaves its container, or enters one: raw tracepoint cgroup_attach_task. */
#pragma once
#include "record.h"
#include "syscall_ctx.h"
#include "task.h"

/* A move may change the container: delete the entry in PROC_VERDICTS, and make the copy per CPU (struct caller of
   kernel_filter.h) stale by CGROUP_MOVES. PROC_COMM_VERDICTS stays: the name has not changed. After the record: a verdict
   that user space writes from then on is about the new cgroups. */
inlined void forget_moved(u32 pid) {
  u32 zero = 0;
  u64 *moves = LOOKUP(CGROUP_MOVES, &zero);
  bpf_map_delete_elem(MAP(PROC_VERDICTS), &pid);
  change_named(pid, TYPE_CGROUP);
  if (moves) __sync_fetch_and_add(moves, 1);
}

/* Whether there is a record, which output.c puts into the ring buffer. */
inlined bool make_move(struct task_struct *task, u32 pid) {
  struct scratch *s = begin_record(TYPE_CGROUP, SLOT_MOVE, sizeof(struct cgroup_move), 0);
  if (!s) {
    forget_moved(pid);
    return false;
  }
  struct cgroup_move *e = (void *)s->record;
  struct css_set *groups = 0;
  e->moved = pid;
  e->unused = 0;
  READ(groups, task->cgroups);
  e->cgroups = append_cgroups(s, groups);
  return true;
}

/* A write to cgroup.procs: raw tracepoint cgroup_attach_task(cgroup, path, task, threadgroup), once for a process, after
   the move. Threads that are moved alone (cgroup.threads) leave their process where it is. */
inlined int process_moved(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *task = TYPED(task_struct, ctx->args[2]);
  u32 pid = 0, tid = 0;
  READ(pid, task->tgid);
  READ(tid, task->pid);
  return pid == tid && make_move(task, pid) ? end_records(ctx, SLOT_MOVE, 0) : 0;
}
