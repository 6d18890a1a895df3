/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A successful exec from sched_process_exec (its registers are the new image's), a failed one from the exit of the call. */
#include "call.h"
#include "task.h"

#define ARGUMENTS 128 /* pointers of a failed exec that are followed */

inlined int tell_exec(struct bpf_raw_tracepoint_args *ctx) {
  struct scratch *s = begin(NR_execve, SLOT_EXEC, sizeof(struct process), 0);
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct process *e = (void *)s->record;
  struct linux_binprm *program = TYPED(linux_binprm, ctx->args[2]);
  const char *name = 0;
  e->args = append_arguments(s, e, task->mm);
  describe(s, e, task);
  e->old_tid = ctx->args[1];
  READ(name, program->filename);
  e->name = append_text(s, KERNEL, name);
  e->environment = append_environment(s, task->mm);
  return send(s);
}

/* Forgotten afterwards: what was asked about the process before its record is in the ring is then refused. What its name
   alone tells is known from the start. */
inlined int exec_done(struct bpf_raw_tracepoint_args *ctx) {
  u32 pid = bpf_get_current_pid_tgid() >> 32, zero = 0;
  char name[16] = {};
  tell_exec(ctx);
  forget(pid);
  bpf_get_current_comm(name, sizeof(name));
  if (!name[0]) return 0;
  struct answers *answers = LOOKUP(NAMES, name);
  if (!answers) answers = LOOKUP(UNNAMED, &zero);
  if (answers && answers->edition) bpf_map_update_elem(MAP(NAMED), &pid, answers, 0);
  return 0;
}

/* The caller's argv, each argument with its NUL. */
inlined u16 append_pointers(struct scratch *s, const struct made *made, u64 list) {
  u64 before = *(volatile u64 *)&s->used;
  for (int i = 0; i < ARGUMENTS; i++) {
    u64 pointer = given_word(made, list, i);
    if (!pointer) break;
    u64 at = *(volatile u64 *)&s->used;
    KEEP(at);
    if (at >= AREA) { mark(s, MARK_ARGS_CUT); break; }
    at &= AREA - 1;
    s64 n = bpf_probe_read_user_str(s->record + at, AREA, (void *)pointer);
    if (n < 1) break;
    *(volatile u64 *)&s->used = at + n;
  }
  return *(volatile u64 *)&s->used - before;
}

inlined int exec_failed(const struct made *made) {
  s64 result = made->result;
  s32 number = made->number;
  if (result >= 0) return 0;
  struct scratch *s = begin_call(made, sizeof(struct process));
  if (!s) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct process *e = (void *)s->record;
  u64 name = made->args[0], list = made->args[1], flags = 0;
  if (number == NR_execveat) { name = made->args[1]; list = made->args[2]; flags = made->args[4]; }
  e->args = append_pointers(s, made, list);
  e->args_length = e->args;
  describe(s, e, task);
  e->flags = flags;
  e->name = append_given_text(s, made, name);
  e->environment = 0;
  return send(s);
}
