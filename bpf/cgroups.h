/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The cgroups of a task: one in each hierarchy, those of cgroup v1, named ones too, and that of v2. Its css_set has a
   list of them (kernel/cgroup/cgroup-internal.h). */
#pragma once
#include "record.h"

#define HIERARCHIES 24 /* v1 has at most one for each controller (14), one for v2, and named ones */

/* Append the path of a cgroup from its kernfs node, as kernfs_path() makes it. */
inlined u16 append_cgroup_path(struct scratch *s, struct kernfs_node *node) {
  *(volatile u32 *)&s->path_at = MAX_STR;
  COUNTED(i, s->round, 24) {
    if (!node) break;
    struct kernfs_node *parent = 0;
    const char *text = 0;
    READ(parent, TYPED(kernfs_node, node)->parent);
    if (!parent) break; /* the root has no name */
    READ(text, TYPED(kernfs_node, node)->name);
    u64 at = *(volatile u32 *)&s->path_at;
    s64 length = read_kernel_str(s->name, sizeof(s->name), text);
    if (length < 1 || length > at) break;
    at -= length; /* the slash takes the place of the NUL */
    *(volatile u32 *)&s->path_at = at;
    barrier_var(at);
    char *to = s->path + (at & (MAX_STR - 1));
    *to = '/';
    u64 n = length - 1;
    barrier_var(n);
    read_kernel(to + 1, n & 255, s->name);
    node = parent;
  }
  return append_walked(s);
}

/* Names of a node and of the one above it, as the kernel has hashed them: equal in hierarchies where a runtime has made
   the same path. A root has none. */
inlined u64 hash_of(struct kernfs_node *node, struct kernfs_node *parent) {
  u32 own = 0, above = 0;
  READ(own, TYPED(kernfs_node, node)->hash);
  READ(above, TYPED(kernfs_node, parent)->hash);
  return (u64)above << 32 | own;
}

/* One cgroup that is not a root: its struct cgroup_path, and its path where the one before had another. False: there was
   no room for it. */
inlined bool append_cgroup(struct scratch *s, struct kernfs_node *node, u16 hierarchy, bool is_same) {
  u64 at = *(volatile u64 *)&s->used;
  barrier_var(at);
  if (at >= MAX_PAYLOAD) { mark(s, MARK_TEXT_CUT); return false; }
  at &= MAX_PAYLOAD - 1;
  *(volatile u64 *)&s->used = at + sizeof(struct cgroup_path);
  volatile struct cgroup_path *head = (void *)s->record + at;
  head->hierarchy = hierarchy;
  head->length = 0;
  if (is_same) return true;
  u16 length = append_cgroup_path(s, node);
  head->length = length;
  if (!length) *(volatile u64 *)&s->used = at;
  return length;
}

/* Append all of them but those that are the root of their hierarchy; returns the length. */
SUBPROGRAM(append_cgroups)(struct scratch *s, struct css_set *groups) {
  u64 before = *(volatile u64 *)&s->used, last = forgotten(s, 0); /* so the first round looks like others */
  struct list_head *at = 0, *end = (void *)groups + __builtin_offsetof(struct css_set, cgrp_links);
  READ(at, TYPED(css_set, groups)->cgrp_links.next);
  COUNTED(i, s->outer_round, HIERARCHIES) {
    if (!at || at == end) break;
    void *link = (void *)at - __builtin_offsetof(struct cgrp_cset_link, cgrp_link);
    struct cgroup *group = 0;
    struct cgroup_root *root = 0;
    struct kernfs_node *node = 0, *parent = 0;
    u32 hierarchy = 0;
    READ(at, TYPED(cgrp_cset_link, link)->cgrp_link.next);
    READ(group, TYPED(cgrp_cset_link, link)->cgrp);
    READ(node, TYPED(cgroup, group)->kn);
    READ(parent, TYPED(kernfs_node, node)->parent);
    if (!parent) continue;
    READ(root, TYPED(cgroup, group)->root);
    READ(hierarchy, TYPED(cgroup_root, root)->hierarchy_id);
    u64 hash = hash_of(node, parent);
    last = append_cgroup(s, node, hierarchy, hash == last) ? hash : 0;
  }
  return *(volatile u64 *)&s->used - before;
}
inlined u16 append_cgroups(struct scratch *s, struct css_set *groups) {
  return CALL_SUBPROGRAM(append_cgroups)(s, groups);
}
