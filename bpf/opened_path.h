/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Names as opens gave them. Of an open that was turned away nobody has heard: should its file be told of later, the name is
   here, by the kernel's file, which forks, copies and messages share. One that another open left is known by its dentry;
   every open of the same replaces it or, where it was told of, takes it away. */
#pragma once
#include "record.h"

#define MAX_OPENED_PATH 256 /* a longer one is not kept */

struct opened_path {
  u64 dentry;
  u64 length, raw;      /* of the name; how many bytes at its end the call was given */
  u64 word[MAX_OPENED_PATH / 8];
};
_Static_assert(sizeof(struct opened_path) == OPENED_PATH_SIZE, "given");

/* False: there is no room. */
inlined bool store_opened_path(struct file *file, struct opened_path *name) {
  u64 key = (u64)file;
  struct opened_path *kept = LOOKUP(OPENED_PATHS, &key);
  if (!kept) return !bpf_map_update_elem(MAP(OPENED_PATHS), &key, name, 0);
  kept->dentry = name->dentry;
  kept->length = name->length;
  kept->raw = name->raw;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < MAX_OPENED_PATH / 8; i++) {
    if (i * 8 >= name->length) break;
    kept->word[i] = name->word[i];
  }
  return true;
}

inlined void delete_opened_path(struct file *file) {
  u64 key = (u64)file;
  bpf_map_delete_elem(MAP(OPENED_PATHS), &key);
}

/* Append the name of a file; give its length, 0 where none is kept. */
inlined u16 append_opened_path(struct scratch *s, struct file *file, struct dentry *dentry, u16 *raw) {
  u64 key = (u64)file;
  struct opened_path *kept = LOOKUP(OPENED_PATHS, &key);
  if (!kept || kept->dentry != (u64)dentry) return 0;
  *raw = kept->raw;
  return append(s, KERNEL, kept->word, kept->length & (MAX_OPENED_PATH - 1));
}
