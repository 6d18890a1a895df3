/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What the kernel filter knows of a process, and when it becomes void: exec and exit delete it, a move to another
   cgroup deletes what user space computed, fork copies it to the child (inherit_verdicts).

   A verdict holds the values of the process predicates (on name, executable, container), a bit for each.
   Two maps by pid: PROC_COMM_VERDICTS holds what follows from the name alone and is filled at each exec (renew_verdicts) from
   COMM_VERDICTS (by name) or COMM_DEFAULT (any other name); PROC_VERDICTS holds what user space has computed from
   its state and is filled by verdicts.py. Verdicts of another generation (map GENERATION: the rules or
   the state have changed) are ignored.

   A process that is moved to another cgroup may be in another container: its entry in PROC_VERDICTS is deleted
   (forget_moved of cgroup_move.h). */
#pragma once
#include "record.h"

struct verdicts { u64 generation, bits; };

/* Exec or exit: the verdicts were about the program that the process ran until now. */
inlined void delete_verdicts(u32 pid) {
  bpf_map_delete_elem(MAP(PROC_VERDICTS), &pid);
  bpf_map_delete_elem(MAP(PROC_COMM_VERDICTS), &pid);
}

/* Exec: what follows from the name of the new program, of 16 bytes, begins again. After the record: a verdict that user space
   computed before it read this finds no entry in PROC_VERDICTS and is dropped (ProcessFilterCache). */
inlined void renew_verdicts(u32 pid, void *comm) {
  u32 zero = 0;
  delete_verdicts(pid);
  if (!*(char *)comm) return;
  struct verdicts *verdicts = LOOKUP(COMM_VERDICTS, comm);
  if (!verdicts) verdicts = LOOKUP(COMM_DEFAULT, &zero);
  if (verdicts && verdicts->generation) bpf_map_update_elem(MAP(PROC_COMM_VERDICTS), &pid, verdicts, 0);
}

/* Fork: a child runs the program of its parent until its own exec. */
inlined void inherit_verdicts(u32 parent, u32 child) {
  u32 zero = 0;
  u64 *generation = LOOKUP(GENERATION, &zero);
  struct verdicts *by_comm = LOOKUP(PROC_COMM_VERDICTS, &parent), *known = LOOKUP(PROC_VERDICTS, &parent);
  delete_verdicts(child); /* of an earlier process with this pid, whose exit was missed */
  if (!generation) return;
  if (by_comm && by_comm->generation == *generation) bpf_map_update_elem(MAP(PROC_COMM_VERDICTS), &child, by_comm, 0);
  if (known && known->generation == *generation) bpf_map_update_elem(MAP(PROC_VERDICTS), &child, known, 0);
}
