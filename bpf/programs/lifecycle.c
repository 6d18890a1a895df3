/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Fork and exit of processes, and moves between cgroups (containers): raw tracepoints sched_process_fork,
   sched_process_exit, cgroup_attach_task (process_moved of cgroup_move.h); exits of clone, clone3, fork, vfork if a
   rule needs these. */
#include "cgroup_move.h"
#include "process_verdicts.h"
#include "reaper.h"
#include "syscall_ctx.h"
#include "task.h"

#define SIGNAL_GROUP_EXIT 4

/* Whether there is a record, which output.c puts into the ring buffer. */
inlined bool make_fork(struct task_struct *parent, struct task_struct *child, u32 pid, u32 tid) {
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (settings && !settings->threads && pid != tid) return false; /* a thread that no rule asks for */
  struct scratch *s = begin_record(TYPE_FORK, SLOT_FORK, sizeof(struct fork), 0);
  if (!s) return false;
  struct fork *e = (void *)s->record;
  struct pid *number = 0;
  struct task_struct *real = 0;
  struct signal_struct *signal = 0;
  void *mine = 0, *theirs = 0;
  e->child_tid = tid;
  e->child_pid = pid;
  READ(number, child->thread_pid);
  e->child_vtid = pid_nr_at(number, pid_level(number));
  e->pidns_start = pidns_start(number);
  if (pid_level(number)) mark(s, MARK_PIDNS);
  READ(signal, child->signal);
  READ(number, signal->pids[PIDTYPE_TGID]);
  e->child_vpid = pid_nr_at(number, pid_level(number));
  READ(e->start, child->start_boottime);
  READ(real, child->real_parent);
  READ(e->parent, real->tgid);
  READ(mine, parent->files);
  READ(theirs, child->files);
  e->shares_files = mine == theirs;
  return true;
}

/* A child that is made in another cgroup (CLONE_INTO_CGROUP) is one that was moved. */
inlined int process_forked(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *parent = TYPED(task_struct, ctx->args[0]), *child = TYPED(task_struct, ctx->args[1]);
  u32 pid = 0, tid = 0;
  void *mine = 0, *theirs = 0;
  READ(pid, child->tgid);
  READ(tid, child->pid);
  READ(mine, parent->cgroups);
  READ(theirs, child->cgroups);
  if (pid == tid) inherit_verdicts(bpf_get_current_pid_tgid() >> 32, pid);
  bool forked = make_fork(parent, child, pid, tid), moved = pid == tid && mine != theirs && make_move(child, pid);
  if (forked) return end_records(ctx, SLOT_FORK, moved ? SLOT_MOVE : 0);
  return moved ? end_records(ctx, SLOT_MOVE, 0) : 0;
}

/* Exit of a process's last thread; exits of other threads, with result 1, only if a rule needs threads. */
inlined int process_exited(struct bpf_raw_tracepoint_args *ctx) {
  struct task_struct *task = current_task();
  struct signal_struct *signal = task->signal;
  u32 zero = 0, others = signal->live;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!others) delete_verdicts(bpf_get_current_pid_tgid() >> 32);
  if (others && !(settings && settings->threads)) return 0;
  struct scratch *s = begin_record(TYPE_EXIT, SLOT_EXIT, sizeof(struct exit), others != 0);
  if (!s) return 0;
  struct exit *e = (void *)s->record;
  e->status = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->exit_code;
  e->reaper = others ? 0 : reaper_of(task);
  return end_records(ctx, SLOT_EXIT, 0);
}

/* clone, clone3, fork, vfork: the exit tracepoint fires in the parent and in the child. */
inlined int clone_exit(const struct syscall_ctx *sys) {
  s32 number = sys->number;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct process));
  if (!s) return 0;
  struct task_struct *task = current_task();
  volatile struct process *e = (void *)s->record;
  u64 flags = number == NR_clone ? sys->args[0] : 0, clone_args = sys->args[0];
  e->args = append_cmdline(s, e, task->mm);
  fill_process(s, e, task);
  if (number == NR_clone3) read_arg(sys, &flags, sizeof(flags), clone_args);
  e->flags = flags;
  e->name = e->environment = 0;
  return OUTPUT_INDEX;
}
