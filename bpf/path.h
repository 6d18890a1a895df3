/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Paths: from (mount, dentry) up to the task's own root, names put down from right to left. */
#pragma once
#include "record.h"

struct link { struct dentry *parent; struct qstr name; }; /* neighbours in struct dentry: one read, not two */
struct above { struct mount *parent; struct dentry *point; };
_Static_assert(__builtin_offsetof(struct dentry, d_parent) + 8 == __builtin_offsetof(struct dentry, d_name), "dentry");
_Static_assert(__builtin_offsetof(struct mount, mnt_parent) + 8 == __builtin_offsetof(struct mount, mnt_mountpoint), "mount");

/* One name in front of what is there; false when it finds no room. */
inlined bool prepend_name(struct scratch *s, struct qstr *name) {
  u64 length = name->len & 255, at = *(volatile u32 *)&s->path_at; /* NAME_MAX is 255 */
  if (length + 1 > at) return false;
  at -= length + 1;
  *(volatile u32 *)&s->path_at = at;
  KEEP(at);
  KEEP(length);
  char *to = s->path + (at & (AREA - 1));
  *to = '/';
  bpf_probe_read_kernel(to + 1, length & 255, name->name);
  return true;
}

/* Write the path so that it ends at path[AREA]; give its marks. It starts at `path_at`. */
inlined u32 walk(struct scratch *s, struct vfsmount *vfs, struct dentry *dentry, struct path *root) {
  struct mount *mount = (void *)vfs - __builtin_offsetof(struct mount, mnt);
  struct dentry *top = 0;
  int i;
  *(volatile u32 *)&s->path_at = AREA;
  READ(top, vfs->mnt_root);
  for (i = 0; i < DEPTH; i++) {
    if (dentry == root->dentry && &mount->mnt == root->mnt) return 0;
    if (dentry == top) {
      struct above above = {};
      READ(above, mount->mnt_parent);
      if (above.parent == mount || !above.parent) return MARK_OUTSIDE;
      dentry = above.point;
      mount = above.parent;
      READ(top, mount->mnt.mnt_root);
      continue;
    }
    struct link link = {};
    READ(link, dentry->d_parent);
    if (!prepend_name(s, &link.name)) return MARK_CUT;
    if (link.parent == dentry) return MARK_PSEUDO;
    dentry = link.parent;
  }
  return MARK_CUT;
}

/* Append the path; give its length. A root has no name of its own: it is "/". */
inlined u16 append_path(struct scratch *s, struct path *path, struct path *root, u16 *marks) {
  if (!path->dentry) { *marks = 0; return 0; }
  *marks = walk(s, path->mnt, path->dentry, root);
  u64 at = *(volatile u32 *)&s->path_at;
  if (at >= AREA) {
    at = AREA - 1;
    s->path[AREA - 1] = '/';
  }
  KEEP(at);
  at &= AREA - 1;
  return append(s, KERNEL, s->path + at, AREA - at);
}

/* Append the path of a cgroup, which kernfs keeps without mounts. */
inlined u16 append_group(struct scratch *s, struct kernfs_node *node) {
  *(volatile u32 *)&s->path_at = AREA;
  for (int i = 0; i < 24 && node; i++) {
    struct kernfs_node *parent = 0;
    const char *text = 0;
    READ(parent, node->parent);
    if (!parent) break; /* the root, which has no name */
    READ(text, node->name);
    u64 at = *(volatile u32 *)&s->path_at;
    char name[256];
    s64 length = bpf_probe_read_kernel_str(name, sizeof(name), text);
    if (length < 1 || length > at) break;
    at -= length; /* the slash takes the place of the NUL */
    *(volatile u32 *)&s->path_at = at;
    KEEP(at);
    char *to = s->path + (at & (AREA - 1));
    *to = '/';
    u64 n = length - 1;
    KEEP(n);
    bpf_probe_read_kernel(to + 1, n & 255, name);
    node = parent;
  }
  u64 at = *(volatile u32 *)&s->path_at;
  if (at >= AREA) {
    at = AREA - 1;
    s->path[AREA - 1] = '/';
  }
  KEEP(at);
  at &= AREA - 1;
  return append(s, KERNEL, s->path + at, AREA - at);
}
