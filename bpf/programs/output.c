/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The last program of a call, an exec, a fork, an exit or a move: it puts the record that another has completed in SCRATCH into
   the ring buffer. One for all, so that the accounts are verified and compiled once. */
#include "cgroup_move.h"
#include "process_verdicts.h"
#include "syscall_ctx.h"

/* What comes behind a record: user space may learn of a process by it, and answer. */
inlined void after_record(const struct syscall_ctx *sys, struct scratch *s) {
  const struct header *head = (void *)s->record;
  if (sys->slot == SLOT_EXEC) renew_verdicts(head->pid, ((struct process *)s->record)->comm);
  if (sys->slot == SLOT_FORK) change_named(((struct fork *)s->record)->child_pid, TYPE_FORK);
  if (sys->slot == SLOT_MOVE) forget_moved(((struct cgroup_move *)s->record)->moved);
}

inlined u32 output(struct syscall_ctx *sys) {
  u32 slot = sys->slot;
  struct scratch *s = LOOKUP(SCRATCH, &slot);
  if (s) {
    submit_record(s);
    after_record(sys, s);
  }
  if (sys->done) return sys->number + UNFILTERED_INDEX; /* the family once more */
  if (!sys->then) return 0;
  sys->slot = sys->then;
  sys->then = 0;
  return OUTPUT_INDEX;
}
