/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct task_struct: pids, credentials, memory, tty, executable. Generated (codegen.py): PIDTYPE_* (enum pid_type). */
#pragma once
#include "cgroups.h"
#include "file.h"

#define PAGE_KB 4
#define RLIMIT_NOFILE 7
#define MNT_READONLY 64
#define SB_RDONLY 1
#define S_IMMUTABLE 8
#define CAP_DAC_OVERRIDE_BIT 2
#define CTIME_NANOSECONDS 0x7fffffff /* the top bit is I_CTIME_QUERIED (6.13) */

/* The number of a pid in the pid namespace at `level`, as pid_nr_ns() gives it; 0 if it has none there. */
inlined u32 pid_nr_at(struct pid *pid, u32 level) {
  u32 own = 0, number = 0;
  READ(own, pid->level);
  if (!level) READ(number, pid->numbers[0].nr);
  else if (level <= own) COPY(number, pid->numbers[level & 31].nr);
  return number;
}

inlined u32 pid_level(struct pid *pid) {
  u32 level = 0;
  READ(level, pid->level);
  return level;
}

/* Start time of the init of the pid's own pid namespace. */
inlined u64 pidns_start(struct pid *pid) {
  struct pid_namespace *namespace = 0;
  struct task_struct *init = 0;
  u64 start = 0;
  COPY(namespace, pid->numbers[pid_level(pid) & 31].ns);
  READ(init, TYPED(pid_namespace, namespace)->child_reaper);
  READ(start, init->start_boottime);
  return start;
}

inlined void fill_pids(volatile struct process *e, struct task_struct *task) {
  struct signal_struct *signal = task->signal;
  u32 level = pid_level(task->thread_pid);
  e->vtid = pid_nr_at(task->thread_pid, level);
  e->vpid = pid_nr_at(signal->pids[PIDTYPE_TGID], level);
  e->pgid = pid_nr_at(signal->pids[PIDTYPE_PGID], 0);
  e->vpgid = pid_nr_at(signal->pids[PIDTYPE_PGID], level);
  e->vsid = pid_nr_at(signal->pids[PIDTYPE_SID], level);
  e->parent = task->real_parent->tgid;
  e->start = task->start_boottime;
  e->pidns_start = pidns_start(task->thread_pid);
}

#define CLONE_NEWNS 0x00020000
#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000

#define NAMESPACE(member, flag)                                                            \
  ({                                                                                       \
    void *own = 0, *other = 0;                                                             \
    COPY(own, mine->member);                                                               \
    COPY(other, hosts->member);                                                            \
    own && own != other ? (flag) : 0;                                                      \
  })

/* Which of its namespaces are not those of the init of the outermost pid namespace, which is the host's. */
inlined u32 own_namespaces(struct task_struct *task) {
  struct pid *number = task->thread_pid;
  const struct cred *cred = task->cred;
  struct pid_namespace *outermost = 0;
  struct task_struct *init = 0;
  struct user_namespace *users = 0;
  struct nsproxy *mine = 0, *hosts = 0;
  u32 level = 0, found = pid_level(number) ? CLONE_NEWPID : 0;
  COPY(users, cred->user_ns);
  READ(level, TYPED(user_namespace, users)->level);
  if (level) found |= CLONE_NEWUSER;
  COPY(outermost, number->numbers[0].ns);
  READ(init, TYPED(pid_namespace, outermost)->child_reaper);
  COPY(hosts, TYPED(task_struct, init)->nsproxy);
  COPY(mine, task->nsproxy);
  found |= NAMESPACE(mnt_ns, CLONE_NEWNS);
  if (HAS(nsproxy__net_ns)) found |= NAMESPACE(net_ns, CLONE_NEWNET);
  if (HAS(nsproxy__ipc_ns)) found |= NAMESPACE(ipc_ns, CLONE_NEWIPC);
  return found;
}

inlined void fill_creds(volatile struct process *e, struct task_struct *task) {
  const struct cred *cred = task->cred;
  e->uid = cred->euid; e->gid = cred->egid;
  e->ruid = cred->uid; e->rgid = cred->gid;
  e->suid = cred->suid; e->sgid = cred->sgid;
  e->effective = cred->cap_effective; e->permitted = cred->cap_permitted; e->inheritable = cred->cap_inheritable;
  e->loginuid = -1;
  if (HAS(task_struct__loginuid)) e->loginuid = task->loginuid;
}

/* One counter of mm->rss_stat: since 6.2 the sum so far of a percpu_counter, before that a plain number. */
#define PAGES_OF(counter)                                                                                      \
  ({                                                                                                           \
    s64 pages = 0;                                                                                             \
    READ(pages, counter);                                                                                      \
    pages < 0 ? 0 : pages;                                                                                     \
  })

inlined u64 resident_pages(struct mm_struct *mm) {
  return PAGES_OF(mm->rss_file) + PAGES_OF(mm->rss_anon) + PAGES_OF(mm->rss_shmem);
}

inlined void fill_memory(volatile struct process *e, struct task_struct *task) {
  struct mm_struct *mm = task->mm;
  u64 limit = 0;
  e->major_faults = task->maj_flt;
  e->minor_faults = task->min_flt;
  e->vm_pages = mm->total_vm;
  e->stack = mm->start_stack;
  e->rss_pages = resident_pages(mm);
  e->swap_pages = PAGES_OF(mm->rss_swap);
  READ(limit, *(volatile u64 *)&task->signal->rlim[RLIMIT_NOFILE]); /* rlim_cur is its first member */
  e->fdlimit = limit;
}

inlined void fill_tty(volatile struct process *e, struct task_struct *task) {
  struct tty_struct *tty = task->signal->tty;
  e->tty = 0;
  if (tty) {
    u32 minor = tty->driver->minor_start + tty->index;
    e->tty = (minor & 255) | tty->driver->major << 8 | (minor & ~255) << 12;
  }
}

/* Whether the task may write its own executable, as inode_permission() decides; supplementary groups are not read. */
inlined bool writable(struct task_struct *task, struct inode *inode, struct path *path) {
  const struct cred *cred = task->cred;
  u32 mount = 0, bits;
  READ(mount, TYPED(vfsmount, path->mnt)->mnt_flags);
  if (mount & MNT_READONLY || inode->i_sb->s_flags & SB_RDONLY || inode->i_flags & S_IMMUTABLE) return false;
  if (cred->cap_effective & CAP_DAC_OVERRIDE_BIT) return true;
  bits = inode->i_uid == cred->fsuid ? 0200 : inode->i_gid == cred->fsgid ? 0020 : 0002;
  return inode->i_mode & bits;
}

inlined void fill_executable(struct scratch *s, volatile struct process *e, struct task_struct *task, struct path *root) {
  struct file *file = task->mm->exe_file;
  struct inode *inode = file->f_inode;
  struct path path = {};
  u16 marks = 0;
  READ(path, file->f_path);
  e->exe = append_path(s, &path, root, &marks);
  fill_file_attrs(s, &e->file, &path);
  if (marks & MARK_PSEUDO && e->file.magic == TMPFS_MAGIC) mark(s, MARK_MEMFD);
  if (writable(task, inode, &path)) mark(s, MARK_WRITABLE);
  mark(s, marks);
  if (HAS(inode__i_ctime_sec)) {
    e->change_time = inode->i_ctime_sec * 1000000000ll + (inode->i_ctime_nsec & CTIME_NANOSECONDS);
    e->modify_time = inode->i_mtime_sec * 1000000000ll + inode->i_mtime_nsec;
  } else {
    /* Each is a struct timespec64, read into the two members: the stack has no room for it. */
    read_kernel((void *)&e->change_time, 16, &inode->i_mtime);
    s64 modified = e->change_time * 1000000000ll + e->modify_time;
    read_kernel((void *)&e->change_time, 16, &inode->i_ctime);
    e->change_time = e->change_time * 1000000000ll + e->modify_time;
    e->modify_time = modified;
  }
}

/* Everything about the current process but its arguments, which must be appended first, and its environment, last. */
SUBPROGRAM(fill_process)(struct scratch *s, volatile struct process *e, struct task_struct *task) {
  struct path root = {}, cwd = {};
  task_root(task, &root);
  task_cwd(task, &cwd);
  u16 marks = 0;
  fill_executable(s, e, task, &root);
  e->cwd = append_path(s, &cwd, &root, &marks);
  e->trust = e->script = 0;
  e->cgroups = append_cgroups(s, task->cgroups);
  e->standard = 0;
  fill_pids(e, task);
  fill_creds(e, task);
  fill_memory(e, task);
  fill_tty(e, task);
  if (pid_level(task->thread_pid)) mark(s, MARK_PIDNS);
  e->old_tid = 0; e->flags = 0;
  e->namespaces = own_namespaces(task);
  bpf_get_current_comm((void *)e->comm, sizeof(e->comm));
  return 0;
}
inlined void fill_process(struct scratch *s, volatile struct process *e, struct task_struct *task) {
  CALL_SUBPROGRAM(fill_process)(s, e, task);
}

/* The arguments between mm->arg_start and arg_end as they are now; a process can overwrite its own. */
inlined u16 append_cmdline(struct scratch *s, volatile struct process *e, struct mm_struct *mm) {
  u64 from = mm->arg_start, length = mm->arg_end - from;
  e->args_length = length;
  if (length > MAX_STR - 1) mark(s, MARK_ARGS_CUT);
  return append(s, USER, (void *)from, length);
}

inlined u16 append_environment(struct scratch *s, struct mm_struct *mm) {
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!settings || !settings->environment) return 0;
  u16 length = append(s, USER, (void *)mm->env_start, mm->env_end - mm->env_start);
  if (!length && mm->env_end != mm->env_start) mark(s, MARK_TEXT_CUT);
  return length;
}
