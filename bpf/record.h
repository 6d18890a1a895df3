/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* How a record is made: begin (count, filter) -> append texts -> send. Maps and read macros.
   Generated before this file: kernel structs, RING, SCRATCH, COUNTS, SETTINGS (file descriptors of maps), DEPTH.

   A record grows in a per-CPU scratch and goes into the ring in one call of its true length. What a loop or a text
   changes (`used`, `path_at`, `marks`) lives in that map and not in registers: the verifier knows nothing of map memory,
   so every turn of a loop looks the same to it. Held in registers, twelve turns cost it 150,000 instructions. */
#pragma once
#include "mozu.h"

#define barrier_var(x) asm volatile("" : "+r"(x)) /* the compiler may not drop the mask that follows: the verifier needs it */
#define MAP(fd) ((void *)bpf_pseudo_fd(1, fd))
#define LOOKUP(fd, key) bpf_map_lookup_elem(MAP(fd), key)
#define inlined static inline __attribute__((always_inline))

/* Kernel memory. A member of a struct is loaded where the verifier knows the struct: for a nanosecond, and a bad address
   gives 0. TYPED tells it what an address leads to (bpf_rdonly_cast, since Linux 6.2; CAST and BTF_* are generated). For
   older kernels a READ is a COPY, a helper's work of nearly 30 ns, and a VIEW of neighbours one copy of them all. */
#define COPY(to, from) bpf_probe_read_kernel((void *)&(to), sizeof(to), (const void *)&(from))
#ifdef CAST
#define TYPED(type, address) ((struct type *)((void *(*)(const void *, u64))CAST)((const void *)(address), BTF_##type))
#define READ(to, from) ((to) = (from))
#define VIEW(type, name, from) struct type *name = (void *)&(from)
#else
#define TYPED(type, address) ((struct type *)(address))
#define READ(to, from) COPY(to, from)
#define VIEW(type, name, from) struct type name##_copied = {}, *name = &name##_copied; COPY(name##_copied, from)
#endif

#define MAX_STR 4096  /* PATH_MAX: the longest text */
#define MAX_PAYLOAD 16384 /* a text starts below this */

struct walk_state { struct mount *mount; struct dentry *dentry, *top; }; /* `top`: the mount's own root */
struct scratch {
  u64 used;
  u32 marks, path_at;
  struct walk_state walk; /* of a walk up a path */
  char path[MAX_STR], slack[256]; /* a name of up to 255 bytes may start at the very end */
  char record[MAX_PAYLOAD + MAX_STR];
};
_Static_assert(sizeof(struct scratch) == SCRATCH_SIZE, "scratch");
enum slot { SLOT_CALL, SLOT_EXEC, SLOT_FORK, SLOT_EXIT }; /* programs that could interrupt each other share none */

struct counts { u64 seen, filtered, lost; };
struct settings { u32 own, threads, environment, realpath, off; };

/* Answers to the questions of gates about a process, a bit each; those of another edition count for nothing. */
struct verdicts { u64 generation, bits; };

/* What is known of a process ends with the program that it runs. */
inlined void delete_verdicts(u32 pid) {
  bpf_map_delete_elem(MAP(PROC_VERDICTS), &pid);
  bpf_map_delete_elem(MAP(PROC_COMM_VERDICTS), &pid);
}

/* A child runs the program of its parent until its own exec. */
inlined void inherit_verdicts(u32 parent, u32 child) {
  u32 zero = 0;
  u64 *generation = LOOKUP(GENERATION, &zero);
  struct verdicts *named = LOOKUP(PROC_COMM_VERDICTS, &parent), *known = LOOKUP(PROC_VERDICTS, &parent);
  delete_verdicts(child); /* an earlier process with this number, whose end was missed */
  if (!generation) return;
  if (named && named->generation == *generation) bpf_map_update_elem(MAP(PROC_COMM_VERDICTS), &child, named, 0);
  if (known && known->generation == *generation) bpf_map_update_elem(MAP(PROC_VERDICTS), &child, known, 0);
}

inlined struct counts *counts_of(u32 type) { return LOOKUP(COUNTS, &type); }

/* Count the event of a thread (process << 32 | thread) and say whether it is wanted. */
inlined bool count_seen(u64 task, u32 type) {
  u32 zero = 0;
  struct counts *counts = counts_of(type);
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!counts || !settings || settings->off) return false;
  counts->seen += 1;
  if (settings->own != task >> 32) return true;
  counts->filtered += 1;
  return false;
}

inlined void count_lost(u32 type) {
  struct counts *counts = counts_of(type);
  if (counts) counts->lost += 1;
}

/* Everything but the marks. */
inlined void fill_header(volatile struct header *head, u64 task, u32 type, s64 result) {
  head->time = bpf_ktime_get_boot_ns();
  head->cgroup = bpf_get_current_cgroup_id();
  head->result = result;
  head->pid = task >> 32;
  head->tid = task;
  head->type = type;
  head->cpu = bpf_get_smp_processor_id();
  head->entry_path = ENTRY_NATIVE;
}

/* The beginning of a record in the scratch; null: the event is not wanted. */
inlined struct scratch *begin_record_for(u64 task, u32 type, u32 slot, u64 fixed, s64 result) {
  if (!count_seen(task, type)) return 0;
  struct scratch *s = LOOKUP(SCRATCH, &slot);
  if (!s) { count_lost(type); return 0; }
  fill_header((void *)s->record, task, type, result);
  *(volatile u64 *)&s->used = fixed;
  *(volatile u32 *)&s->marks = 0;
  return s;
}

inlined struct scratch *begin_record(u32 type, u32 slot, u64 fixed, s64 result) {
  return begin_record_for(bpf_get_current_pid_tgid(), type, slot, fixed, result);
}

/* Whether somebody asks for the path that an open really reached: the walk up to the root is the dearest part of it. */
inlined int wants_realpath(void) {
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  return settings && settings->realpath;
}

inlined void mark(struct scratch *s, u32 bits) { *(volatile u32 *)&s->marks |= bits; }

inlined int output_record(const void *record, u64 length, u32 type) {
  if (bpf_ringbuf_output(MAP(RING), (void *)record, length, 0)) count_lost(type);
  return 0;
}

inlined int submit_record(struct scratch *s) {
  struct header *head = (void *)s->record;
  u64 length = *(volatile u64 *)&s->used;
  head->marks = s->marks;
  barrier_var(length);
  if (length > MAX_PAYLOAD + MAX_STR) length = MAX_PAYLOAD + MAX_STR; /* never: the verifier must hear it */
  return output_record(s->record, length, head->type);
}

enum space { KERNEL, USER };

/* Append `length` bytes (at most AREA - 1 of them); give how many were. A mask alone would wrap round and overwrite. */
inlined u16 append(struct scratch *s, enum space space, const void *from, u64 length) {
  u64 at = *(volatile u64 *)&s->used, n = length;
  if (n > MAX_STR - 1) n = MAX_STR - 1;
  barrier_var(at);
  barrier_var(n);
  if (at >= MAX_PAYLOAD) { mark(s, MARK_TEXT_CUT); return 0; }
  at &= MAX_PAYLOAD - 1;
  n &= MAX_STR - 1;
  if (space == USER ? bpf_probe_read_user(s->record + at, n, from) : bpf_probe_read_kernel(s->record + at, n, from))
    return 0;
  *(volatile u64 *)&s->used = at + n;
  return n;
}

/* Append a text that ends with NUL, without the NUL. */
inlined u16 append_str(struct scratch *s, enum space space, const void *from) {
  u64 at = *(volatile u64 *)&s->used;
  barrier_var(at);
  if (at >= MAX_PAYLOAD) { mark(s, MARK_TEXT_CUT); return 0; }
  at &= MAX_PAYLOAD - 1;
  s64 n = space == USER ? bpf_probe_read_user_str(s->record + at, MAX_STR, from)
                        : bpf_probe_read_kernel_str(s->record + at, MAX_STR, from);
  if (n < 2) return 0;
  n -= 1;
  *(volatile u64 *)&s->used = at + n;
  return n;
}
