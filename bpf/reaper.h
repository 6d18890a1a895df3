/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The process that takes over the children of one that ends. */
#pragma once
#include "task.h"

#define ANCESTORS 32 /* that are searched for a child subreaper */

/* A bit field is read by its byte; KERNEL_CONSTANT has its offset in bits. */
#define BIT_OF(object, name)                                                                                   \
  ({                                                                                                           \
    u8 byte = 0;                                                                                               \
    u64 bit = KERNEL_CONSTANT(name);                                                                           \
    read_kernel(&byte, 1, (char *)(object) + bit / 8);                                                         \
    byte >> (bit & 7) & 1;                                                                                     \
  })

/* Who takes over the children, as find_new_reaper() of kernel/exit.c chooses; 0 if there are none for sure. The list is
   the thread's own. Those of another thread that is exiting too, and is still counted in nr_threads, get a new parent
   when that thread comes to it: later, and not this one, since it has PF_EXITING already. */
inlined u32 reaper_of(struct task_struct *task) {
  struct list_head children = {};
  struct signal_struct *signal = task->signal;
  struct task_struct *one = task, *init = 0;
  struct pid_namespace *namespace = 0;
  u32 level = pid_level(task->thread_pid), number = 0, threads = 0;
  READ(children.next, task->children.next);
  READ(threads, signal->nr_threads);
  if (children.next == (void *)&task->children && threads == 1) return 0;
  COPY(namespace, task->thread_pid->numbers[level & 31].ns);
  READ(init, TYPED(pid_namespace, namespace)->child_reaper);
  READ(number, init->tgid);
  if (!BIT_OF(signal, signal_struct__has_child_subreaper)) return number;
  for (int i = 0; i < ANCESTORS; i++) {
    struct pid *pid = 0;
    READ(one, TYPED(task_struct, one)->real_parent);
    READ(pid, one->thread_pid);
    if (!one || one == init || pid_level(pid) != level) break;
    READ(signal, one->signal);
    if (!BIT_OF(signal, signal_struct__is_child_subreaper)) continue;
    READ(number, one->tgid);
    break;
  }
  return number;
}
