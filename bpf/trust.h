/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What a program is trusted for by its name (proc.trusted_name): the executable, and the script that it runs, lie where root
   has put them. Everything is read of the files that the kernel has opened for this exec, not of a path. */
#pragma once
#include "file.h"

enum trust { TRUST_KNOWN = 1, TRUST_EXE = 2, TRUST_SCRIPT = 4, TRUST_CWD = 8 }; /* in struct process */

#define FUSE_MAGIC 0x65735546
#define NOT_ROOTS 022        /* permission to write for the group, or for others */
#define OPENED_TO_EXECUTE 32 /* __FMODE_EXEC in f_flags: open(2) cannot set it */
#define MOST_DELAYED 64      /* files that an exec has closed, and among them the script */
#define MOST_ABOVE 16        /* directories of a script */

/* Whether root made a user namespace: the host's, or one of root's in it. */
inlined bool is_of_root(struct user_namespace *namespace) {
  u32 level = 0, owner = 0;
  READ(level, TYPED(user_namespace, namespace)->level);
  READ(owner, TYPED(user_namespace, namespace)->owner);
  return !level || level == 1 && !owner;
}

/* Whether it sees the tree of mounts that root made. Only who may change the root directory there could have moved it. */
inlined bool sees_tree_of_root(struct task_struct *task) {
  struct nsproxy *proxy = task->nsproxy;
  const struct cred *cred = task->cred;
  struct mnt_namespace *mounts = 0;
  struct user_namespace *users = 0, *makers = 0;
  READ(mounts, proxy->mnt_ns);
  READ(makers, TYPED(mnt_namespace, mounts)->user_ns);
  READ(users, cred->user_ns);
  return is_of_root(users) && is_of_root(makers);
}

/* Whether a file lies on a file system of root's, by its own name (a file that is mounted over another has that one's). In a pid
   namespace, as containers have: on the one at `/`, since root there may mount others. */
inlined bool lies_by_its_name(struct scratch *s, struct path *path, struct path *root, bool is_contained) {
  struct inode *inode = 0;
  struct super_block *block = 0;
  struct user_namespace *makers = 0;
  struct dentry *top = 0;
  u64 magic = 0;
  READ(top, TYPED(vfsmount, path->mnt)->mnt_root);
  READ(inode, TYPED(dentry, path->dentry)->d_inode);
  READ(block, inode->i_sb);
  READ(makers, block->s_user_ns);
  READ(magic, block->s_magic);
  if (top == path->dentry || magic == FUSE_MAGIC || !is_of_root(makers)) return false;
  if (!is_contained) return true;
  climb_to_top_mount(s, root->mnt);
  VIEW(mounted, whole, TYPED(mount, s->walk.mount)->mnt.mnt_root);
  return whole->block == block;
}

/* Whether only root may change a script and the directories on its file system: others could put another one in its place
   before the interpreter opens it. A file of an image is the image's. */
inlined bool only_root_changes(struct scratch *s, struct path *path) {
  volatile struct file_attrs *attrs = (void *)s->name; /* not read; the stack has no room */
  u32 before = *(volatile u32 *)&s->marks;
  *(volatile u32 *)&s->marks = 0;
  fill_file_attrs(s, attrs, path);
  u32 marks = *(volatile u32 *)&s->marks;
  *(volatile u32 *)&s->marks = before;
  if (marks & MARK_DELETED || marks & MARK_UPPER) return false;
  if (marks & MARK_OVERLAY) return true;
  volatile struct walk_state *at = &s->walk;
  at->dentry = path->dentry;
  COUNTED(i, s->round, MOST_ABOVE) {
    struct dentry *dentry = at->dentry, *parent = 0;
    struct inode *inode = 0;
    u32 owner = 0;
    u16 mode = 0;
    READ(inode, TYPED(dentry, dentry)->d_inode);
    READ(owner, inode->i_uid);
    READ(mode, inode->i_mode);
    if (owner || mode & NOT_ROOTS) return false;
    READ(parent, TYPED(dentry, dentry)->d_parent);
    if (parent == dentry) return true;
    at->dentry = parent;
  }
  return false;
}

/* Whether only root can write into the working directory, where the dynamic linker may search. In a tree of mounts other than
   the task's own a user may have mounted files over those of root's, and an overlay may be a container's. */
SUBPROGRAM(works_in_directory_of_root)(struct task_struct *task) {
  struct path cwd = {};
  struct nsproxy *proxy = task->nsproxy;
  struct mnt_namespace *own = 0, *holder = 0;
  struct inode *inode = 0;
  struct super_block *block = 0;
  struct user_namespace *makers = 0;
  u64 magic = 0;
  u32 owner = 0;
  u16 mode = 0;
  task_cwd(task, &cwd);
  struct mount *mount = (void *)cwd.mnt - __builtin_offsetof(struct mount, mnt);
  READ(own, proxy->mnt_ns);
  READ(holder, TYPED(mount, mount)->mnt_ns);
  READ(inode, TYPED(dentry, cwd.dentry)->d_inode);
  READ(owner, inode->i_uid);
  READ(mode, inode->i_mode);
  READ(block, inode->i_sb);
  READ(makers, block->s_user_ns);
  READ(magic, block->s_magic);
  if (holder != own || magic == FUSE_MAGIC || magic == OVERLAYFS_MAGIC) return false;
  return !owner && !(mode & NOT_ROOTS) && is_of_root(makers);
}
inlined bool works_in_directory_of_root(struct task_struct *task) { return CALL_SUBPROGRAM(works_in_directory_of_root)(task); }

/* The script of this exec. The kernel closes it before the program begins, which leaves the file in the list of what the task
   has still to do; it is the first there that was opened to be executed, and new entries come in front. 0: not found. */
inlined struct file *closed_script(struct scratch *s, struct task_struct *task) {
  volatile struct walk_state *at = &s->walk;
  void *work = 0;
  READ(work, task->task_works);
  at->mount = work;
  at->dentry = 0;
  COUNTED(i, s->round, MOST_DELAYED) {
    u64 next = 0, entry = (u64)at->mount;
    u32 flags = 0;
    if (!entry) return (void *)at->dentry;
    struct file *file = (void *)(entry - __builtin_offsetof(struct file, f_work));
    struct inode *inode = 0, *named = 0;
    struct dentry *dentry = 0;
    COPY(flags, file->f_flags);
    COPY(inode, file->f_inode);
    COPY(dentry, file->f_path.dentry);
    COPY(named, dentry->d_inode);
    if (flags & OPENED_TO_EXECUTE && inode && inode == named) at->dentry = (void *)file;
    COPY(next, *(u64 *)entry);
    at->mount = (void *)next;
  }
  return 0;
}

/* The script that an exec runs, where it runs one. */
inlined struct file *script_of(struct scratch *s, struct task_struct *task, struct linux_binprm *program) {
  struct file *script = 0;
  const char *name = 0, *interpreter = 0;
  READ(name, program->filename);
  READ(interpreter, program->interp);
  if (name == interpreter) return 0;
  READ(script, program->executable); /* binfmt_misc may leave it open */
  if (!script && HAS(file__f_work)) script = closed_script(s, task);
  return script;
}

/* Fill what the kernel knows of executable and script; append the path of a script that is trusted. */
inlined void fill_trust(struct scratch *s, volatile struct process *e, struct task_struct *task, struct linux_binprm *program) {
  struct file *file = task->mm->exe_file;
  struct path root = {}, path = {};
  u16 marks = 0, found = TRUST_KNOWN;
  task_root(task, &root);
  bool is_contained = pid_level(task->thread_pid);
  if (sees_tree_of_root(task)) {
    if (works_in_directory_of_root(task)) found |= TRUST_CWD;
    READ(path, file->f_path);
    if (lies_by_its_name(s, &path, &root, is_contained)) found |= TRUST_EXE;
    file = TYPED(file, script_of(s, task, program));
    if (found & TRUST_EXE && file) {
      READ(path, file->f_path);
      if (lies_by_its_name(s, &path, &root, is_contained) && only_root_changes(s, &path)) {
        e->script = append_path(s, &path, &root, &marks);
        if (!marks) found |= TRUST_SCRIPT;
      }
    }
  }
  e->trust = found;
}
