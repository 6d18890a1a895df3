/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Kills in the kernel, for rules whose condition is decided here exactly (plugins/sources/ebpf/kernel_filter/kill.py): the
   caller has SIGKILL pending when its call returns, and does not come back to user space.

   The program of a call's kill rules runs behind its filter, and goes on to its family (syscall_ctx.h). Whatever is in doubt is
   left to user space, which judges the event in any case: a budget that is spent, a process that may be protected, one
   that is not the current one. Processes that share its table of descriptors are ended with it, or all of them are left, since
   kcmp finds no sharers of what is dead. */
#pragma once
#include "kernel_filter.h"

#define SIGNAL_KILL 9 /* SIGKILL */
#define IPPROTO_TCP 6
#define PF_KTHREAD 0x00200000
#define MINUTE 60000000000ull /* of nanoseconds */

/* The socket behind a call's descriptor. `wants_peer`: of what TCP has connected it to; a datagram socket may have been
   a server's before, whose ends user space shows the other way round. */
inlined u64 find_socket(struct kill_facts *facts, const struct syscall_ctx *sys, s32 fd, bool wants_peer) {
  struct endpoints ends = {};
  struct inode *inode = 0;
  u16 mode = 0;
  facts->family = facts->protocol = facts->port = 0;
  if (sys->result < 0 && sys->result != -EINPROGRESS) return REACHED_UNKNOWN;
  struct file *file = syscall_file(sys, current_task(), fd);
  if (!file) return REACHED_UNKNOWN;
  READ(inode, file->f_inode);
  READ(mode, inode->i_mode);
  if ((mode & S_IFMT) != S_IFSOCK) return wants_peer ? REACHED_UNKNOWN : REACHED_OTHERWISE;
  fill_ip_endpoints(&ends, file);
  if (ends.family == AF_INET6 && (is_mapped(ends.local) || is_mapped(ends.remote))) return REACHED_UNKNOWN;
  if (wants_peer && (ends.protocol != IPPROTO_TCP || !ends.remote_port)) return REACHED_UNKNOWN;
  facts->family = ends.family;
  facts->protocol = ends.protocol;
  facts->port = ends.remote_port;
  __builtin_memcpy(facts->address, ends.remote, sizeof(facts->address));
  return REACHED_OTHERWISE;
}

/* What is known of a program: its path as proc.exepath has it, in `real`, and MARK_OVERLAY, MARK_UPPER, MARK_MEMFD; MARK_CUT:
   the path is not known. */
inlined void note_executable(struct filter_scratch *g, struct scratch *s, struct path *path) {
  struct path root = {};
  volatile struct file_attrs attrs = {};
  g->facts.executable = MARK_CUT;
  READ(root, current_task()->fs->root);
  if (!path->dentry) return;
  u32 marks = walk_path(s, path->mnt, path->dentry, &root);
  *(volatile u32 *)&s->marks = 0;
  fill_file_attrs(s, &attrs, path);
  u32 found = *(volatile u32 *)&s->marks & (MARK_OVERLAY | MARK_UPPER);
  if (marks & MARK_PSEUDO && attrs.magic == TMPFS_MAGIC) found |= MARK_MEMFD;
  if (marks || take_walked(&g->real, s) != REACHED_OTHERWISE) found |= MARK_CUT;
  g->facts.executable = found;
}

/* What an exec has started. */
inlined void find_executable(struct filter_scratch *g) {
  u32 slot = SLOT_EXEC;
  struct scratch *s = LOOKUP(SCRATCH, &slot);
  struct path path = {};
  g->facts.executable = MARK_CUT;
  if (!s) return;
  READ(path, current_task()->mm->exe_file->f_path);
  note_executable(g, s, &path);
}

enum kill_mode { KILL_OFF, KILL_DRY, KILL_ACTS };
/* Of a rule, in KILLS by its number; number 0: of all rules together, with KILL_ACTS where programs/sharers.c is attached. */
struct kill {
  u32 mode, per_minute;
  u64 minute;           /* in which `spent` counts: minutes since the boot */
  u32 spent, spare;
  u64 acts, left;       /* since the start: acts (or would-be ones), and matching calls that were left to user space */
};
_Static_assert(sizeof(struct kill) == KILL_SIZE, "kill");

enum spared_kind { SPARED_PID = 1, SPARED_USER = 2, SPARED_EXECUTABLE = 3 };
/* Of KILL_SPARED. The value: of a process its start, in hundredths of a second, since a later one may have its number; of an
   executable the user that may run it besides root. */
struct spared_key {
  u64 number;           /* process, user, inode */
  u32 device, kind;     /* device: of an executable, s_dev of its superblock */
};
_Static_assert(sizeof(struct spared_key) == SPARED_KEY_SIZE, "spared_key");

inlined bool is_spared(enum spared_kind kind, u64 number, u64 start) {
  struct spared_key key = {.number = number, .kind = kind};
  u64 *known = LOOKUP(KILL_SPARED, &key);
  return known && *known == start;
}

inlined bool has_identity(const struct cred *cred, u32 user) {
  return cred->uid == user && cred->euid == user && cred->suid == user;
}

/* Whether user space has to look at what it runs: a file that is spared, run by root or its own service in the first user and
   pid namespaces. Any other user may have any file run code of theirs (LD_PRELOAD, ptrace). */
inlined bool runs_spared(const struct task_struct *task, const struct inode *inode) {
  struct spared_key key = {.number = inode->i_ino, .device = inode->i_sb->s_dev, .kind = SPARED_EXECUTABLE};
  u64 *user = LOOKUP(KILL_SPARED, &key);
  const struct cred *cred = task->cred;
  struct user_namespace *users = 0;
  u32 level = 0;
  if (!user || task->thread_pid->level) return false;
  COPY(users, cred->user_ns);
  READ(level, TYPED(user_namespace, users)->level);
  return !level && (has_identity(cred, 0) || has_identity(cred, *user));
}

#define TICK 10000000           /* ns */
#define PT_TRACE_EXIT (1 << 9)  /* PTRACE_O_TRACEEXIT in task_struct.ptrace: PT_OPT_FLAG_SHIFT of linux/ptrace.h */

inlined bool is_never_killed(const struct task_struct *task, const struct settings *settings) {
  u32 tgid = task->tgid;
  u64 start = task->group_leader->start_boottime;
  const struct inode *inode = task->mm->exe_file->f_inode;
  return tgid <= 1 || tgid == settings->own || !inode->i_ino || task->flags & PF_KTHREAD ||
         is_spared(SPARED_PID, tgid, start / TICK) || is_spared(SPARED_USER, task->cred->uid, 0) || runs_spared(task, inode);
}

/* kfuncs (Linux 6.13), by codegen.py. */
#define KFUNC(result, name, ...) ((result (*)(__VA_ARGS__))KFUNC_##name)
struct task_walk { u64 state[3]; }; /* struct bpf_iter_task */
#define ALL_THREADS 1               /* BPF_TASK_ITER_ALL_THREADS */
#define EACH_TASK(task, walk)                                                                                       \
  KFUNC(int, bpf_iter_task_new, struct task_walk *, void *, u32)(&(walk), 0, ALL_THREADS);                          \
  for (struct task_struct *task; (task = KFUNC(struct task_struct *, bpf_iter_task_next, struct task_walk *)(&(walk)));)
#define END_WALK(walk) KFUNC(void, bpf_iter_task_destroy, struct task_walk *)(&(walk))

/* Whether another process that has the caller's table of descriptors may be protected. */
inlined bool has_protected_sharers(const struct task_struct *caller, const struct settings *settings) {
  struct task_walk walk;
  u64 files = (u64)caller->files;
  u32 own = caller->tgid;
  bool found = false;
  KFUNC(void, bpf_rcu_read_lock, void)();
  EACH_TASK(task, walk) {
    if ((u64)task->files != files || task->tgid == own) continue;
    if (is_never_killed(task, settings)) {
      found = true;
      break;
    }
  }
  END_WALK(walk);
  KFUNC(void, bpf_rcu_read_unlock, void)();
  return found;
}

/* A process that holds a thread of the caller at its end (PTRACE_O_TRACEEXIT): there the descriptors are open still, and it
   could take them (pidfd_getfd(2)). A tracer must ask for that itself, so no other can be made one. 0: there is none, or it may
   be protected. */
inlined u32 holder_of(const struct task_struct *caller, const struct settings *settings) {
  struct task_walk walk;
  u32 own = caller->tgid, found = 0;
  if (caller->signal->nr_threads < 2 && !(caller->ptrace & PT_TRACE_EXIT)) return 0;
  KFUNC(void, bpf_rcu_read_lock, void)();
  EACH_TASK(task, walk) {
    if (task->tgid != own || !(task->ptrace & PT_TRACE_EXIT) || is_never_killed(task->parent, settings)) continue;
    found = task->parent->tgid;
    break;
  }
  END_WALK(walk);
  KFUNC(void, bpf_rcu_read_unlock, void)();
  return found;
}

/* SIGKILL to all of other processes that have this table, or to the holder where `files` is 0. What they make meanwhile comes
   behind them in the list of all tasks, and the walk comes to it. */
inlined void kill_others(u64 files, u32 holder, u32 own) {
  struct task_walk walk;
  KFUNC(void, bpf_rcu_read_lock, void)();
  EACH_TASK(task, walk) {
    if (files ? (u64)task->files != files : task->tgid != holder) continue;
    if (task->tgid == own) continue;
    struct task_struct *held = KFUNC(struct task_struct *, bpf_task_acquire, struct task_struct *)(task);
    if (!held) continue;
    KFUNC(int, bpf_send_signal_task, struct task_struct *, int, u32, u64)(held, SIGNAL_KILL, PIDTYPE_TGID, 0);
    KFUNC(void, bpf_task_release, struct task_struct *)(held);
  }
  END_WALK(walk);
  KFUNC(void, bpf_rcu_read_unlock, void)();
}

/* Whether other processes share the caller's table of descriptors that cannot be ended with it; those that can are noted for
   its end, since programs of raw tracepoints may not signal them (programs/sharers.c). `ends`: whether that is attached. */
inlined bool is_shared(const struct task_struct *task, const struct settings *settings, bool ends) {
  if (ends && HAS(signals_of_tasks)) return task->files->count > 1 && has_protected_sharers(task, settings);
  /* Each thread counts in both; a sharer that is no thread, in the first alone. */
  return task->files->count > task->signal->nr_threads;
}

/* What is to be ended with a process, in KILL_SHARED by its number. */
struct shared {
  u64 files;   /* what its table of descriptors is known by */
  u32 holder, spare;
};
_Static_assert(sizeof(struct shared) == KILL_SHARED_SIZE, "shared");

/* False: there is no room for it. */
inlined bool note_sharers(const struct task_struct *task, const struct settings *settings) {
  u32 tgid = task->tgid;
  struct shared shared = {.files = (u64)task->files};
  if (HAS(signals_of_tasks)) shared.holder = holder_of(task, settings);
  if (task->files->count < 2 && !shared.holder) return true;
  return !bpf_map_update_elem(MAP(KILL_SHARED), &tgid, &shared, 0);
}

/* Whether the signal would reach another process than the caller, or one that may be protected, or the success of the call is
   assumed. */
inlined bool is_left_to_user_space(const struct syscall_ctx *sys, const struct settings *settings, bool ends) {
  struct task_struct *task = current_task();
  return sys->entry_path == ENTRY_SUBMITTED || task->tgid != sys->task >> 32 || is_never_killed(task, settings) || task->real_parent->tgid == settings->own ||
         is_shared(task, settings, ends);
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
  bool ends = all->mode == KILL_ACTS;
  bool is_left = is_left_to_user_space(sys, settings, ends) || is_spent(one, minute) || is_spent(all, minute);
  if (!is_left && one->mode == KILL_ACTS)
    is_left = ends && !note_sharers(current_task(), settings) || bpf_send_signal(SIGNAL_KILL);
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
