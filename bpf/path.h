/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Paths, as d_path() of fs/d_path.c makes them: from (mount, dentry) up to the task's root, each name prepended. */
#pragma once
#include "record.h"

struct link { struct dentry *parent; struct qstr name; }; /* neighbouring members of struct dentry */
struct above { struct mount *parent; struct dentry *point; };
_Static_assert(__builtin_offsetof(struct dentry, d_parent) + 8 == __builtin_offsetof(struct dentry, d_name), "dentry");
_Static_assert(__builtin_offsetof(struct mount, mnt_parent) + 8 == __builtin_offsetof(struct mount, mnt_mountpoint), "mount");

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
  bpf_probe_read_kernel(to + 1, length & 255, name->name);
  return true;
}

/* Write the path into s->path so that it ends at path[MAX_STR] and starts at path[path_at]; returns its marks. */
inlined u32 walk_path(struct scratch *s, struct vfsmount *vfs, struct dentry *from, struct path *root) {
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

/* Write the path of a file on its file system, from the root of that, into s->path as walk_path does. */
inlined u32 walk_file_system(struct scratch *s, struct dentry *from) {
  volatile struct walk_state *at = &s->walk;
  struct super_block *block = 0;
  struct inode *inode = 0;
  struct dentry *root = 0;
  at->dentry = from;
  *(volatile u32 *)&s->path_at = MAX_STR;
  READ(inode, TYPED(dentry, from)->d_inode);
  READ(block, inode->i_sb);
  READ(root, block->s_root);
  COUNTED(i, s->round, DEPTH) {
    struct dentry *dentry = at->dentry;
    VIEW(link, link, TYPED(dentry, dentry)->d_parent);
    struct dentry *parent = link->parent;
    if (parent == dentry) return dentry == root ? 0 : MARK_PSEUDO; /* DCACHE_DISCONNECTED: of open_by_handle_at */
    if (!prepend_name(s, &link->name)) return MARK_CUT;
    at->dentry = parent;
  }
  return MARK_CUT;
}

/* Whether a file lies on the file system of the task's own root, and that is mounted from its top: then its real path
   is the one on that file system, whatever mount or root it was reached through. */
inlined bool is_on_root(struct path *path, struct path *root) {
  struct inode *file = 0, *top = 0;
  struct super_block *mine = 0, *its = 0;
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!root->dentry || !settings || settings->root_is_below) return false;
  READ(file, TYPED(dentry, path->dentry)->d_inode);
  READ(top, TYPED(dentry, root->dentry)->d_inode);
  READ(its, file->i_sb);
  READ(mine, top->i_sb);
  return its == mine;
}

/* The path that a file really has (fd.realpath), as walk_path. */
inlined u32 walk_real_path(struct scratch *s, struct path *path, struct path *root) {
  if (is_on_root(path, root)) {
    u32 marks = forgotten(s, walk_file_system(s, path->dentry));
    if (marks != MARK_PSEUDO) return marks;
  }
  return walk_path(s, path->mnt, path->dentry, root);
}

/* Append the path; returns its length. */
inlined u16 append_path(struct scratch *s, struct path *path, struct path *root, u16 *marks) {
  if (!path->dentry) { *marks = 0; return 0; }
  *marks = forgotten(s, walk_path(s, path->mnt, path->dentry, root));
  return append_walked(s);
}
