/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct file, the fd table of a task, and where relative paths start. */
#pragma once
#include "path.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define AT_FDCWD (-100)
#define FMODE_CREATED 0x100000
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFDIR 0040000

/* The verifier follows no arrays of pointers: a slot of fdtable.fd is cast to a struct kiocb, whose first member is a
   pointer to a file. */
_Static_assert(__builtin_offsetof(struct kiocb, ki_filp) == 0, "kiocb");

/* The file of a descriptor, as files_lookup_fd_raw() finds it; 0 if it is not open. */
inlined struct file *fd_file(struct task_struct *task, s32 fd) {
  struct fdtable *table = task->files->fdt;
  struct file *file = 0, **slots = table->fd;
  if (fd >= 0 && fd < table->max_fds) READ(file, TYPED(kiocb, slots + fd)->ki_filp);
  return TYPED(file, file);
}

/* Device, inode, mode, owner; marks a file that is unlinked, and the layer of an overlay (OVL_I_E of
   fs/overlayfs). */
SUBPROGRAM(fill_file_attrs)(struct scratch *s, volatile struct file_attrs *to, struct path *path) {
  struct inode *inode = 0;
  struct super_block *block = 0;
  struct dentry *upper = 0, *parent = 0, *dentry = TYPED(dentry, path->dentry);
  void *hashed = 0;
  u16 mode = 0;
  u64 magic = 0, ino = 0;
  u32 dev = 0, uid = 0;
  READ(inode, dentry->d_inode);
  READ(mode, inode->i_mode);
  READ(uid, inode->i_uid);
  READ(ino, inode->i_ino);
  READ(block, inode->i_sb);
  READ(magic, block->s_magic);
  READ(dev, block->s_dev);
  to->ino = ino;
  to->dev = dev;
  to->magic = magic;
  to->mode = mode;
  to->uid = uid;
  READ(parent, dentry->d_parent);
  READ(hashed, dentry->d_hash.pprev);
  if (!hashed && parent != dentry) mark(s, MARK_DELETED);
  if (magic == OVERLAYFS_MAGIC) {
    if (HAS(ovl_inode____upperdentry)) {
      struct ovl_inode *layered = TYPED(ovl_inode, (void *)inode - __builtin_offsetof(struct ovl_inode, vfs_inode));
      READ(upper, layered->__upperdentry);
    }
    mark(s, upper ? MARK_OVERLAY | MARK_UPPER : MARK_OVERLAY);
  }
  return 0;
}
inlined void fill_file_attrs(struct scratch *s, volatile struct file_attrs *to, struct path *path) {
  CALL_SUBPROGRAM(fill_file_attrs)(s, to, path);
}

inlined void clear_file_attrs(volatile struct file_attrs *to) {
  to->ino = 0;
  to->dev = to->magic = to->mode = to->uid = 0;
}

/* COPY and not READ: the start of walk_path must have the same type for the verifier as each later step. */
inlined void task_root(struct task_struct *task, struct path *to) { COPY(*to, task->fs->root); }
inlined void task_cwd(struct task_struct *task, struct path *to) { COPY(*to, task->fs->pwd); }

/* The directory that a relative path of an *at() call starts from. */
inlined void dirfd_path(struct task_struct *task, s32 dirfd, struct path *to) {
  if (dirfd == AT_FDCWD) {
    task_cwd(task, to);
  } else {
    struct file *file = fd_file(task, dirfd);
    READ(*to, file->f_path);
  }
}
