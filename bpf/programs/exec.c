/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* execve, execveat: a successful one at the tracepoint sched_process_exec (at the exit of the call the registers
   are those of the new image), a failed one at the exit of the call. */
#include "process_verdicts.h"
#include "standard_descriptors.h"
#include "syscall_ctx.h"
#include "task.h"
#include "trust.h"

#define ARGUMENTS 128 /* pointers of argv that are followed for a failed exec */

/* Whether there is a record, which output.c puts into the ring buffer. `acts`: ACT_* of what kill rules have done. */
inlined bool make_exec(struct bpf_raw_tracepoint_args *ctx, u16 acts) {
  struct scratch *s = begin_record(NR_execve, SLOT_EXEC, sizeof(struct process), 0);
  if (!s) return false;
  struct task_struct *task = current_task();
  volatile struct process *e = (void *)s->record;
  struct linux_binprm *program = TYPED(linux_binprm, ctx->args[2]);
  const char *name = 0;
  bool standard = reserve_standard(s);
  e->args = append_cmdline(s, e, task->mm);
  fill_process(s, e, task);
  e->old_tid = ctx->args[1];
  e->head.entry_path = ENTRY_NATIVE | acts;
  READ(name, program->filename);
  e->name = append_str(s, KERNEL, name);
  e->environment = append_environment(s, task->mm);
  fill_trust(s, e, task, program);
  if (standard) append_standard(s, e, task);
  return true;
}

inlined int report_exec(struct bpf_raw_tracepoint_args *ctx, u16 acts) {
  char name[16] = {};
  if (make_exec(ctx, acts)) return end_records(ctx, SLOT_EXEC, 0);
  bpf_get_current_comm(name, sizeof(name));
  renew_verdicts(bpf_get_current_pid_tgid() >> 32, name);
  return 0;
}

/* At sched_process_exec. The program of kill rules, if there is one, goes on to process_judged. */
inlined int process_executed(struct bpf_raw_tracepoint_args *ctx) {
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!sys) return 0;
  sys->result = 0;
  sys->number = NR_execve;
  sys->task = bpf_get_current_pid_tgid();
  sys->entry_path = ENTRY_NATIVE;
  sys->exact = 0;
  sys->copies = sys->file = 0;
  tail_call(ctx, EXECUTED_INDEX);
  return report_exec(ctx, 0);
}

inlined int process_judged(struct bpf_raw_tracepoint_args *ctx) {
  struct syscall_ctx *sys = this_cpu_syscall();
  return sys ? report_exec(ctx, sys->exact & ACTS) : 0;
}

/* The caller's argv, each argument with its NUL, for an exec that failed. */
inlined u16 append_pointers(struct scratch *s, const struct syscall_ctx *sys, u64 list) {
  u64 before = *(volatile u64 *)&s->used;
  COUNTED(i, s->round, ARGUMENTS) {
    u64 pointer = arg_word(sys, list, i);
    if (!pointer) break;
    u64 at = *(volatile u64 *)&s->used;
    barrier_var(at);
    if (at >= MAX_STR) { mark(s, MARK_ARGS_CUT); break; }
    at &= MAX_STR - 1;
    s64 n = read_user_str(s->record + at, MAX_STR, (void *)pointer);
    if (n < 1) break;
    *(volatile u64 *)&s->used = at + n;
  }
  return *(volatile u64 *)&s->used - before;
}

inlined int execve_failed(const struct syscall_ctx *sys) {
  s64 result = sys->result;
  s32 number = sys->number;
  if (result >= 0) return 0;
  struct scratch *s = begin_syscall_record(sys, sizeof(struct process));
  if (!s) return 0;
  struct task_struct *task = current_task();
  volatile struct process *e = (void *)s->record;
  u64 name = sys->args[0], list = sys->args[1], flags = 0;
  if (number == NR_execveat) { name = sys->args[1]; list = sys->args[2]; flags = sys->args[4]; }
  e->args = append_pointers(s, sys, list);
  e->args_length = e->args;
  fill_process(s, e, task);
  e->flags = flags;
  e->name = append_arg_str(s, sys, name);
  e->environment = 0;
  return OUTPUT_INDEX;
}
