/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Maps OPENED_AT and OPENED_PATHS: the path that an open was called with, for opens that the kernel filter discarded. User space
   has seen no event of such an open; when a later event concerns its descriptor, the path comes with that record.
   Their key is the address of the struct file, which dup, fork and SCM_RIGHTS share. Entries are not deleted when
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

/* Map OPENED_AT: the place of the first file that came to it, for as long as mozu runs; later files get the same addresses again.
   What it keeps is found without a look-up in a hash. A file whose place another one has is kept in OPENED_PATHS. */
#define OPENED_PLACES 16384
struct opened_at { u64 file, claims; struct opened_path path; };
_Static_assert(sizeof(struct opened_at) == OPENED_AT_SIZE, "opened_at");

inlined struct opened_at *place_of(u64 file) {
  u32 place = file * 0x9e3779b97f4a7c15ull >> 50;
  return LOOKUP(OPENED_AT, &place);
}

/* Whether it is this file's place, perhaps from now on. Of two that come at once neither gets it. */
inlined bool claim(struct opened_at *at, u64 file) {
  if (at->file == file) return true;
  if (at->claims) return false;
  __sync_fetch_and_add(&at->claims, 1);
  if (*(volatile u64 *)&at->claims != 1) return false;
  at->file = file;
  return true;
}

/* The address of a file as a number: the verifier lets programs compute with no pointer. */
inlined u64 file_address(struct scratch *s, struct file *file) { return forgotten(s, (u64)file); }

/* Keep the path of a file, by file_address. False: its place is another file's, and OPENED_PATHS is full. */
inlined bool store_opened_path(u64 file, struct opened_path *path) {
  struct opened_at *at = place_of(file);
  if (!at || !claim(at, file)) return !bpf_map_update_elem(MAP(OPENED_PATHS), &file, path, 0);
  at->path.dentry = path->dentry;
  at->path.length = path->length;
  at->path.raw = path->raw;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < MAX_OPENED_PATH / 8; i++) {
    if (i * 8 >= path->length) break;
    at->path.word[i] = path->word[i];
  }
  return true;
}

inlined void delete_opened_path(u64 file) {
  struct opened_at *at = place_of(file);
  if (at && at->file == file) at->path.dentry = 0;
  else bpf_map_delete_elem(MAP(OPENED_PATHS), &file);
}

inlined struct opened_path *opened_path_of(u64 file) {
  struct opened_at *at = place_of(file);
  return at && at->file == file ? &at->path : LOOKUP(OPENED_PATHS, &file);
}

/* Append the path that a file was opened by; returns its length, 0 if none is stored. */
SUBPROGRAM(append_opened_path)(struct scratch *s, struct file *file, struct dentry *dentry, u16 *raw) {
  struct opened_path *stored = opened_path_of(file_address(s, file));
  if (!stored || stored->dentry != (u64)dentry) return 0;
  *raw = stored->raw;
  return append(s, KERNEL, stored->word, stored->length & (MAX_OPENED_PATH - 1));
}
inlined u16 append_opened_path(struct scratch *s, struct file *file, struct dentry *dentry, u16 *raw) {
  return CALL_SUBPROGRAM(append_opened_path)(s, file, dentry, raw);
}
