/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Paths, as d_path() of fs/d_path.c makes them: from (mount, dentry) up to the task's root, each name prepended. */
#pragma once
#include "record.h"

struct link { struct dentry *parent; struct qstr name; }; /* neighbouring members of struct dentry */
struct above { struct mount *parent; struct dentry *point; };
struct mounted { struct dentry *root; struct super_block *block; }; /* of struct vfsmount */
_Static_assert(__builtin_offsetof(struct dentry, d_parent) + 8 == __builtin_offsetof(struct dentry, d_name), "dentry");
_Static_assert(__builtin_offsetof(struct mount, mnt_parent) + 8 == __builtin_offsetof(struct mount, mnt_mountpoint), "mount");
_Static_assert(__builtin_offsetof(struct vfsmount, mnt_root) + 8 == __builtin_offsetof(struct vfsmount, mnt_sb), "vfsmount");

/* False: no room in `path`. */
inlined bool prepend_name(struct scratch *s, struct qstr *name) {
  u64 length = name->len & 255, at = *(volatile u32 *)&s->path_at; /* NAME_MAX is 255 */
  if (length + 1 > at) return false;
  at -= length + 1;
  *(volatile u32 *)&s->path_at = at;
  barrier_var(at);
  barrier_var(length);
  char *to = s->path + (at & (MAX_STR - 1));
  *to = '/';
  read_kernel(to + 1, length & 255, name->name);
  return true;
}

/* Write the path into s->path so that it ends at path[MAX_STR] and starts at path[path_at]; returns its marks. */
SUBPROGRAM(walk_path)(struct scratch *s, struct vfsmount *vfs, struct dentry *from, struct path *root) {
  volatile struct walk_state *at = &s->walk;
  at->mount = (void *)vfs - __builtin_offsetof(struct mount, mnt);
  at->dentry = from;
  *(volatile u32 *)&s->path_at = MAX_STR;
  READ(at->top, TYPED(vfsmount, vfs)->mnt_root);
  COUNTED(i, s->round, DEPTH) {
    struct mount *mount = at->mount;
    struct dentry *dentry = at->dentry;
    if (dentry == root->dentry && &mount->mnt == root->mnt) return 0;
    if (dentry == at->top) {
      VIEW(above, above, TYPED(mount, mount)->mnt_parent);
      struct mount *parent = above->parent;
      if (parent == mount || !parent) return MARK_OUTSIDE;
      at->dentry = above->point;
      at->mount = parent;
      READ(at->top, TYPED(mount, parent)->mnt.mnt_root);
      continue;
    }
    VIEW(link, link, TYPED(dentry, dentry)->d_parent);
    if (!prepend_name(s, &link->name)) return MARK_CUT;
    struct dentry *parent = link->parent;
    if (parent == dentry) return MARK_PSEUDO;
    at->dentry = parent;
  }
  return MARK_CUT;
}
inlined u32 walk_path(struct scratch *s, struct vfsmount *vfs, struct dentry *from, struct path *root) {
  return CALL_SUBPROGRAM(walk_path)(s, vfs, from, root);
}

/* How many mounts may lie between the root of a task and `/` of its mount namespace. */
#define MAX_ROOT_MOUNTS 16

/* Replace a mount by the one at `/` of its mount namespace. That is mounted on the namespace's root (rootfs), whose parent is
   itself. */
inlined void climb_to_top_mount(struct scratch *s, struct vfsmount *vfs) {
  volatile struct walk_state *at = &s->walk;
  at->mount = (void *)vfs - __builtin_offsetof(struct mount, mnt);
  COUNTED(i, s->round, MAX_ROOT_MOUNTS) {
    struct mount *mount = at->mount, *parent = 0, *above = 0;
    READ(parent, TYPED(mount, mount)->mnt_parent);
    READ(above, TYPED(mount, parent)->mnt_parent);
    if (parent == mount || above == parent) return;
    at->mount = parent;
  }
}

/* Where the real path of a file begins: at the root of what is mounted at `/` of the task's mount namespace, which `root`
   becomes, whatever root the task has. That is the root of a file system; or a directory of one, which is the root of a
   container (native, vfs), or a subvolume. Null: the file lies on another file system. */
inlined struct dentry *real_root(struct scratch *s, struct path *path, struct path *root) {
  struct inode *file = 0;
  struct super_block *block = 0;
  if (!root->dentry || !root->mnt) return 0;
  climb_to_top_mount(s, root->mnt);
  VIEW(mounted, top, TYPED(mount, s->walk.mount)->mnt.mnt_root);
  root->mnt = &s->walk.mount->mnt;
  root->dentry = top->root;
  if (root->mnt == path->mnt) return top->root;
  READ(file, TYPED(dentry, path->dentry)->d_inode);
  READ(block, file->i_sb);
  return top->block == block ? top->root : 0;
}

/* Map NAMED_FILES: files that rules with a responder name → the path by which they do. mozu holds these files open, so that no
   other has their numbers. Whatever mount, root or hard link such a file is reached by, it has this path. */
struct file_numbers { u64 inode; u32 device, unused; };
struct named_file { u64 length; char path[MAX_NAMED_PATH]; };
_Static_assert(sizeof(struct named_file) == NAMED_FILE_SIZE, "named_file");

inlined struct named_file *named_file(struct path *path) {
  u64 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  struct inode *inode = 0;
  struct super_block *block = 0;
  struct file_numbers key = {};
  if (!settings || !settings->named_inodes) return 0;
  READ(inode, TYPED(dentry, path->dentry)->d_inode);
  READ(key.inode, inode->i_ino);
  if (!(settings->named_inodes >> (key.inode & 31) & 1)) return 0; /* spares most opens the look-up */
  READ(block, inode->i_sb);
  READ(key.device, block->s_dev);
  return LOOKUP(NAMED_FILES, &key);
}

/* Write the path of a file below `top` into s->path as walk_path does. */
inlined u32 walk_file_system(struct scratch *s, struct dentry *from, struct dentry *top) {
  volatile struct walk_state *at = &s->walk;
  at->dentry = from;
  at->top = top;
  *(volatile u32 *)&s->path_at = MAX_STR;
  COUNTED(i, s->round, DEPTH) {
    struct dentry *dentry = at->dentry;
    if (dentry == at->top) return 0;
    VIEW(link, link, TYPED(dentry, dentry)->d_parent);
    struct dentry *parent = link->parent;
    if (parent == dentry) return MARK_PSEUDO; /* not below `top`, or DCACHE_DISCONNECTED: of open_by_handle_at */
    if (!prepend_name(s, &link->name)) return MARK_CUT;
    at->dentry = parent;
  }
  return MARK_CUT;
}

/* The path that a file really has (fd.realpath), as walk_path: the one of NAMED_FILES; else the one below real_root, whatever
   mount or root it was reached through; of a file that does not lie there the path in the tree of mounts. */
SUBPROGRAM(walk_real_path)(struct scratch *s, struct path *path, struct path *root) {
  struct named_file *named = named_file(path);
  if (named) {
    u64 length = named->length & (MAX_NAMED_PATH - 1);
    barrier_var(length);
    u64 at = MAX_STR - length;
    *(volatile u32 *)&s->path_at = at;
    read_kernel(s->path + (at & (MAX_STR - 1)), length, named->path);
    return 0;
  }
  struct dentry *top = real_root(s, path, root);
  if (top) {
    u32 marks = forgotten(s, walk_file_system(s, path->dentry, top));
    if (marks != MARK_PSEUDO) return marks;
  }
  return walk_path(s, path->mnt, path->dentry, root);
}
inlined u32 walk_real_path(struct scratch *s, struct path *path, struct path *root) {
  return CALL_SUBPROGRAM(walk_real_path)(s, path, root);
}

/* Append the path; returns its length. */
SUBPROGRAM(append_path)(struct scratch *s, struct path *path, struct path *root, u16 *marks) {
  if (!path->dentry) { *marks = 0; return 0; }
  *marks = forgotten(s, walk_path(s, path->mnt, path->dentry, root));
  return append_walked(s);
}
inlined u16 append_path(struct scratch *s, struct path *path, struct path *root, u16 *marks) {
  return CALL_SUBPROGRAM(append_path)(s, path, root, marks);
}
