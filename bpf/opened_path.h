/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Map OPENED_PATHS: the path that an open was called with, for opens that the kernel filter discarded. User space
   has seen no event of such an open; when a later event concerns its descriptor, the path comes with that record.
   The key is the address of the struct file, which dup, fork and SCM_RIGHTS share. Entries are not deleted when
   the file is closed: the next open that gets the same struct file replaces the entry, or deletes it if its own
   event is not discarded, and a stale one is recognised by its dentry. */
#pragma once
#include "record.h"

#define MAX_OPENED_PATH 256 /* a longer path is not stored */

struct opened_path {
  u64 dentry;
  u64 length, raw;      /* of the absolute path; of what the call was given, which is its end, or OPENED_AS_FILE */
  u64 word[MAX_OPENED_PATH / 8];
};
_Static_assert(sizeof(struct opened_path) == OPENED_PATH_SIZE, "opened_path");

/* False: the map is full. */
inlined bool store_opened_path(struct file *file, struct opened_path *path) {
  u64 key = (u64)file;
  struct opened_path *stored = LOOKUP(OPENED_PATHS, &key);
  if (!stored) return !bpf_map_update_elem(MAP(OPENED_PATHS), &key, path, 0);
  stored->dentry = path->dentry;
  stored->length = path->length;
  stored->raw = path->raw;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < MAX_OPENED_PATH / 8; i++) {
    if (i * 8 >= path->length) break;
    stored->word[i] = path->word[i];
  }
  return true;
}

inlined void delete_opened_path(struct file *file) {
  u64 key = (u64)file;
  bpf_map_delete_elem(MAP(OPENED_PATHS), &key);
}

/* Append the path that a file was opened by; returns its length, 0 if none is stored. */
SUBPROGRAM(append_opened_path)(struct scratch *s, struct file *file, struct dentry *dentry, u16 *raw) {
  u64 key = (u64)file;
  struct opened_path *stored = LOOKUP(OPENED_PATHS, &key);
  if (!stored || stored->dentry != (u64)dentry) return 0;
  *raw = stored->raw;
  return append(s, KERNEL, stored->word, stored->length & (MAX_OPENED_PATH - 1));
}
inlined u16 append_opened_path(struct scratch *s, struct file *file, struct dentry *dentry, u16 *raw) {
  return CALL_SUBPROGRAM(append_opened_path)(s, file, dentry, raw);
}
