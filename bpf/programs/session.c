/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* capset and prctl: the capabilities after the call are read from the task. */
#include "syscall_ctx.h"
#include "task.h"

#define PR_SET_NAME 15
#define PR_GET_NAME 16

/* The sets after the call; those of a failed one are the old ones. */
inlined int capset_exit(const struct syscall_ctx *sys) {
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  if (!s) return 0;
  reserve(s);
  struct task_struct *task = current_task();
  const struct cred *cred = task->cred;
  volatile struct call *e = (void *)s->record;
  e->args[0] = cred->cap_inheritable;
  e->args[1] = cred->cap_permitted;
  e->args[2] = cred->cap_effective;
  e->args[3] = e->args[4] = e->args[5] = 0;
  clear_strs(e);
  return OUTPUT_INDEX;
}

inlined int prctl_exit(const struct syscall_ctx *sys) {
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  if (!s) return 0;
  volatile struct call *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  clear_strs(e);
  if (e->args[0] == PR_SET_NAME || e->args[0] == PR_GET_NAME) e->text[0] = append_arg_str(s, sys, e->args[1]);
  return OUTPUT_INDEX;
}
