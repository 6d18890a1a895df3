/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Kills in the kernel, for rules whose condition is decided here exactly (plugins/sources/ebpf/kernel_filter/kill.py): the
   caller has SIGKILL pending when its call returns, and does not come back to user space.

   The program of a call's kill rules runs before its filter, and goes on to that (at its number + 2 * NUMBERS_END). Whatever is in doubt is
   left to user space, which judges the event in any case: a budget that is spent, a process that may be protected, one
   that is not the current one, or that shares its table of descriptors, since kcmp finds no sharers of what is dead. */
#pragma once
#include "kernel_filter.h"

#define SIGNAL_KILL 9 /* SIGKILL */
#define PF_KTHREAD 0x00200000
#define MINUTE 60000000000ull /* of nanoseconds */

enum kill_mode { KILL_OFF, KILL_DRY, KILL_ACTS };
/* Of a rule, in KILLS by its number; number 0: of all rules together, of which `mode` is not used. */
struct kill {
  u32 mode, per_minute;
  u64 minute;           /* in which `spent` counts: minutes since the boot */
  u32 spent, spare;
  u64 acts, left;       /* since the start: acts (or would-be ones), and matching calls that were left to user space */
};
_Static_assert(sizeof(struct kill) == KILL_SIZE, "kill");

/* Keys of KILL_SPARED: kind << 56 | number. An executable is known by its inode alone: the device that stat(2) gives is not
   always that of the superblock (btrfs, overlayfs), and one too many is left to user space. */
enum spared_kind { SPARED_PID = 1, SPARED_USER = 2, SPARED_INODE = 3 };
#define SPARED_KEY(kind, number) ((u64)(kind) << 56 | ((number) & ((1ull << 56) - 1)))

inlined bool is_spared(enum spared_kind kind, u64 number) {
  u64 key = SPARED_KEY(kind, number);
  return LOOKUP(KILL_SPARED, &key) != 0;
}

/* Whether the signal would reach another process than the caller, or one that may be protected. */
inlined bool is_left_to_user_space(const struct syscall_ctx *sys, const struct settings *settings) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32, uid = bpf_get_current_uid_gid();
  if (tgid != sys->task >> 32 || tgid <= 1 || tgid == settings->own) return true;
  struct task_struct *task = current_task();
  if (task->flags & PF_KTHREAD || task->real_parent->tgid == settings->own) return true;
  /* Each thread counts in both; a sharer that is no thread, in the first alone. */
  if (task->files->count > task->signal->nr_threads) return true;
  u64 inode = task->mm->exe_file->f_inode->i_ino;
  return !inode || is_spared(SPARED_INODE, inode) || is_spared(SPARED_PID, tgid) || is_spared(SPARED_USER, uid);
}

/* CPUs that come here at once may spend one more each. */
inlined bool is_spent(struct kill *one, u64 minute) {
  if (one->minute != minute) {
    one->minute = minute;
    one->spent = 0;
  }
  return one->spent >= one->per_minute;
}

/* The call matches this rule: signal the caller, or note that it would have been; the record says so (ACT_*). */
inlined u64 kill_caller(struct syscall_ctx *sys, u32 rule) {
  u32 zero = 0;
  struct kill *one = LOOKUP(KILLS, &rule), *all = LOOKUP(KILLS, &zero);
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!one || !all || !settings || settings->off || one->mode == KILL_OFF) return 0;
  u64 minute = bpf_ktime_get_boot_ns() / MINUTE;
  bool is_left = is_left_to_user_space(sys, settings) || is_spent(one, minute) || is_spent(all, minute) ||
                 one->mode == KILL_ACTS && bpf_send_signal(SIGNAL_KILL);
  if (is_left) {
    __sync_fetch_and_add(&one->left, 1);
    return 0;
  }
  __sync_fetch_and_add(&one->spent, 1);
  __sync_fetch_and_add(&all->spent, 1);
  __sync_fetch_and_add(&one->acts, 1);
  sys->exact |= one->mode == KILL_ACTS ? ACT_KILLED : ACT_WOULD;
  return 0;
}
