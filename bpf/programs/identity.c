/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The setuid family: up to three ids, and the caller's credentials after the call. Its capabilities depend on more
   than the ids (securebits, user namespaces), so they are read from struct cred. */
#include "syscall_ctx.h"

#define PAIR(low, high) ((u64)(low) | (u64)(high) << 32)

inlined int identity_exit(const struct syscall_ctx *sys) {
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  if (!s) return 0;
  reserve(s);
  struct task_struct *task = current_task();
  const struct cred *cred = task->cred;
  volatile struct call *e = (void *)s->record;
  e->args[0] = sys->args[0]; e->args[1] = sys->args[1]; e->args[2] = sys->args[2];
  e->args[3] = PAIR(cred->uid, cred->euid);
  e->args[4] = PAIR(cred->suid, cred->gid);
  e->args[5] = PAIR(cred->egid, cred->sgid);
  e->args[6] = cred->cap_permitted;
  e->args[7] = cred->cap_effective;
  clear_strs(e);
  return OUTPUT_INDEX;
}
