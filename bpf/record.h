/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* How a record gets into the ring buffer: begin_record (counts it) -> append its strings -> submit_record
   (bpf_ringbuf_output; a full ring is counted in COUNTS as lost) in programs/output.c, which programs tail-call. Macros that
   read kernel memory.
   Generated before this file (codegen.py): kernel structs at offsets drawn by lot (objects/build.py), names of maps as placeholders,
   DEPTH.

   A record is built in the per-CPU map SCRATCH and is output in one call of its true length. What a loop or a string
   changes (`used`, `path_at`, `marks`) lives in that map and not in registers: the verifier tracks no map memory, so
   every iteration looks the same to it and states are pruned. In registers, twelve iterations cost it 150,000
   instructions. */
#pragma once
#include "mozu.h"

/* Keeps the compiler from dropping the mask that follows, which the verifier needs. */
#define barrier_var(x) asm volatile("" : "+r"(x))
/* Placeholders, which become a map, or the BTF id of a struct, when a program is loaded: see codegen.py. */
#define MAP(name) ((void *)bpf_pseudo_fd(RELOCATED, name))
#define LOOKUP(name, key) bpf_map_lookup_elem(MAP(name), key)
/* A number of the running kernel that is written into a program before it is loaded (CONSTANTS of codegen.py); HAS: 1, or 0
   where the kernel has no such member, function or form. The verifier knows the number, and does not follow what never runs: such
   code may read a member that does not exist, or call a kfunc that does not. */
#ifndef KERNEL_CONSTANT /* tests compile the headers in user space */
#define KERNEL_CONSTANT(name) bpf_pseudo_fd(RELOCATED, CONSTANT_##name)
#endif
#define HAS(name) KERNEL_CONSTANT(HAS_##name)
#define IF_ABSENT 1 /* BPF_NOEXIST */
#define inlined static inline __attribute__((always_inline))
#include "subprogram.h"

/* Reading memory: bpf_probe_read_user, bpf_probe_read_user_str, bpf_probe_read_kernel and bpf_probe_read_kernel_str (Linux 5.5)
   by their numbers. Where libbcc sees the first two names it reads all of /proc/kallsyms to learn whether the kernel has them,
   a quarter of a compilation; the others mean an older helper to it where it cannot read that (compile_child.py). */
inlined long read_user(void *to, u32 size, const void *from) {
  return ((long (*)(void *, u32, const void *))112)(to, size, from);
}
inlined long read_user_str(void *to, u32 size, const void *from) {
  return ((long (*)(void *, u32, const void *))114)(to, size, from);
}
inlined long read_kernel(void *to, u32 size, const void *from) {
  return ((long (*)(void *, u32, const void *))113)(to, size, from);
}
inlined long read_kernel_str(void *to, u32 size, const void *from) {
  return ((long (*)(void *, u32, const void *))115)(to, size, from);
}

/* Reading kernel memory. Where the verifier knows the type of a pointer, a member is a plain load (a nanosecond; a
   fault reads as 0). TYPED gives an address its BTF type by bpf_rdonly_cast (Linux 6.2; CAST and BTF_* come from
   codegen.py). On older kernels READ is a COPY by read_kernel, nearly 30 ns, and VIEW copies
   neighbouring members at once. */
#define COPY(to, from) read_kernel((void *)&(to), sizeof(to), (const void *)&(from))
#ifdef CAST
#define TYPED(type, address)                                                                        \
  ((struct type *)((void *(*)(const void *, u64))CAST)((const void *)(address), bpf_pseudo_fd(RELOCATED, BTF_##type)))
#define READ(to, from) ((to) = (from))
#define VIEW(type, name, from) struct type *name = (void *)&(from)
/* Not bpf_get_current_task_btf: for each pointer that is loaded from what the verifier trusts, it looks whether that is
   to be trusted, by names that it searches in all of the kernel's BTF, a millisecond each. */
#define current_task() TYPED(task_struct, bpf_get_current_task())
#else
#define current_task() bpf_get_current_task_btf()
#define TYPED(type, address) ((struct type *)(address))
#define READ(to, from) COPY(to, from)
#define VIEW(type, name, from) struct type name##_copied = {}, *name = &name##_copied; COPY(name##_copied, from)
#endif

/* COUNTED(i, place, end): a loop of at most `end` rounds, `i` the number of each; for bodies that change nothing but the
   memory of maps. Where the kernel has may_goto (Linux 6.9, MAY_GOTO of codegen.py) the number lies in the u32 `place` of
   a map, so that all rounds look alike to the verifier and it follows one, where it would follow each. may_goto itself
   ends no loop before its end: it would after 65,535 rounds at the earliest. It is written as bytes, since the compiler does
   not know it: code 0xe5, the distance to `done`, 0. */
#ifdef MAY_GOTO
#define may_go_on()                                                                                 \
  ({                                                                                                \
    __label__ done, next;                                                                           \
    bool on = true;                                                                                 \
    asm volatile goto("1: .byte 0xe5, 0; .long ((%l[done] - 1b - 8) / 8) & 0xffff; .short 0"         \
                      :::: done);                                                                   \
    goto next;                                                                                      \
    done: on = false;                                                                               \
    next: on;                                                                                       \
  })
#define NUMBER_AT(place) (*(volatile u32 *)&(place))
#define COUNTED(i, place, end)                                                                      \
  NUMBER_AT(place) = 0;                                                                             \
  for (u32 i; (i = NUMBER_AT(place)) < (end) && may_go_on(); NUMBER_AT(place) = i + 1)
#else
#define COUNTED(i, place, end) _Pragma("clang loop unroll(disable)") for (u32 i = 0; i < (end); i++)
#endif

/* Whether round i of a loop with a constant end is one too many. The compiler is not to make one end of both, i != the
   lesser of them: verifiers before Linux 6.4 cannot tell that i, which has passed it, ends the loop. */
#define IS_OVER(i, count) ({ u64 rounds = (count); barrier_var(rounds); (i) >= rounds; })

#define MAX_STR 4096      /* PATH_MAX: longest string */
#define MAX_PAYLOAD 16384 /* offset below which a string must start */

/* Of walks to a root. `top`: the root of `mount`; `end`: where the real path begins. */
struct walk_state { struct mount *mount; struct dentry *dentry, *top, *end; };
struct scratch {
  u64 used;             /* bytes of `record` so far */
  u32 marks, path_at;   /* enum mark; where the path in `path` starts */
  struct walk_state walk;
  u32 round, outer_round; /* `place` of COUNTED; `outer_round` for a loop around others */
  char path[MAX_STR], slack[256]; /* slack: a name of up to 255 bytes may start at the very end */
  u64 share;            /* enum share */
  u64 number;           /* of `forgotten` */
  char name[256];       /* of a cgroup, or for a moment something else: the stack has no room */
  char record[MAX_PAYLOAD + MAX_STR];
};
_Static_assert(sizeof(struct scratch) == SCRATCH_SIZE, "scratch");
/* The same number, of which the verifier knows nothing: paths that had different ones look alike from here on, and are
   followed once. */
inlined u64 forgotten(struct scratch *s, u64 number) {
  *(volatile u64 *)&s->number = number;
  return *(volatile u64 *)&s->number;
}

/* Keys of SCRATCH: of calls, and of what happens within one. */
enum slot { SLOT_CALL, SLOT_EXEC, SLOT_FORK, SLOT_EXIT, SLOT_MOVE };

/* over_share: of `lost`, refused by accounts.h. `seen` is last: map look-ups copy a CPU's words in this order (bpf_long_memcpy)
   while it counts, and what was seen is counted first, so that no look-up finds more filtered and lost than seen. */
struct counts { u64 over_share, filtered, lost, seen; };
/* own: mozu's process id; snaplen: bytes of a buffer in a record; named_inodes: bit n is set if NAMED_FILES has an inode of a
   number that is n modulo 32; Loader.configure */
struct settings { u32 own, threads, environment, realpath, off, stdio, snaplen, named_inodes; };

/* bpf_ringbuf_query (Linux 5.8) by its number: bcc's headers have it from 0.27 on. */
#define RINGBUF_QUERY 134
#define RB_AVAIL_DATA 0
#define RB_NO_WAKEUP 1
#define RB_FORCE_WAKEUP 2
inlined u64 query_ring(u64 what) { return ((u64 (*)(void *, u64))RINGBUF_QUERY)(MAP(RING), what); }

#include "accounts.h"

inlined struct counts *counts_of(u32 type) { return LOOKUP(COUNTS, &type); }

/* Count an event of a thread (tgid << 32 | pid) as seen; false, and filtered, if it is mozu's own. */
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

inlined void count_over_share(u32 type) {
  struct counts *counts = counts_of(type);
  if (!counts) return;
  counts->lost += 1;
  counts->over_share += 1;
}

/* All but the marks, which submit_record sets. */
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

/* Start a record in SCRATCH; null: mozu's own event, or the source is off. */
inlined struct scratch *begin_record_for(u64 task, u32 type, u32 slot, u64 fixed, s64 result) {
  if (!count_seen(task, type)) return 0;
  struct scratch *s = LOOKUP(SCRATCH, &slot);
  if (!s) { count_lost(type); return 0; }
  fill_header((void *)s->record, task, type, result);
  *(volatile u64 *)&s->used = fixed;
  *(volatile u32 *)&s->marks = 0;
  s->share = SHARE_COMMON;
  return s;
}

/* The record of fork, exec, exit, or a move: all that follows of the process would be wrong without it. */
inlined struct scratch *begin_record(u32 type, u32 slot, u64 fixed, s64 result) {
  struct scratch *s = begin_record_for(bpf_get_current_pid_tgid(), type, slot, fixed, result);
  if (s) s->share = SHARE_RESERVED;
  return s;
}

/* The same for a call that is no exact match already. */
inlined void reserve(struct scratch *s) {
  if (s->share == SHARE_COMMON) s->share = SHARE_RESERVED;
}

/* Whether a rule reads the path that an open reached (fd.realpath): the walk to the root is its most expensive
   part. */
inlined int wants_realpath(void) {
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  return settings && settings->realpath;
}

inlined void mark(struct scratch *s, u32 bits) { *(volatile u32 *)&s->marks |= bits; }

/* Of which process user space may learn something by a record: by type, in the map TASK_CHANGES (maps.py). */
enum { CHANGES_OWN = 1, CHANGES_ANY = 2, CHANGES_NAMED = 3 }; /* that of the record, any, the one that it names */

/* User space has been given something of this process: calls are recognised by another version from now on. In place: a
   process without a version needs none, and this cannot fail. */
inlined void next_version(u32 pid) {
  u64 *version = LOOKUP(TASK_VERSIONS, &pid);
  if (version) *version = bpf_ktime_get_boot_ns();
}

/* After the record of it is in the ring buffer, or was refused. */
inlined void change_versions(struct flow *flow, u32 pid, u32 type) {
  u8 *changes = LOOKUP(TASK_CHANGES, &type);
  if (!changes) return;
  if (*changes == CHANGES_ANY) __sync_fetch_and_add(&flow->changes, 1);
  if (*changes == CHANGES_OWN) next_version(pid);
}

/* The same of the process that a record names. */
inlined void change_named(u32 pid, u32 type) {
  u8 *changes = LOOKUP(TASK_CHANGES, &type);
  if (changes && *changes == CHANGES_NAMED) next_version(pid);
}

inlined int output_record(const struct header *record, u64 length, u32 type, enum share share) {
  struct flow *flow = flow_of_records();
  if (!flow) return 0;
  if (!admit(flow, record, length, share)) {
    count_over_share(type);
  } else {
    u64 flags = wake_up(flow, share);
    barrier_var(length);
    /* Never true: a bound for the verifier. It stands here since kernels before Linux 6.2 forget bounds of what lay on
       the stack in between. */
    if (length > MAX_PAYLOAD + MAX_STR) length = MAX_PAYLOAD + MAX_STR;
    if (bpf_ringbuf_output(MAP(RING), (void *)record, length, flags)) count_lost(type);
  }
  if (flow->generation) change_versions(flow, record->pid, type);
  return 0;
}

inlined int submit_record(struct scratch *s) {
  struct header *head = (void *)s->record;
  u64 length = *(volatile u64 *)&s->used;
  head->marks = s->marks;
  return output_record(head, length, head->type, s->share);
}

enum space { KERNEL, USER }; /* whose memory an address is in */

/* Append `length` bytes (at most MAX_STR - 1); returns how many. The explicit limit: the mask alone would wrap
   round. */
inlined u16 append(struct scratch *s, enum space space, const void *from, u64 length) {
  u64 at = *(volatile u64 *)&s->used, n = forgotten(s, length > MAX_STR - 1 ? MAX_STR - 1 : length);
  barrier_var(at);
  if (at >= MAX_PAYLOAD) { mark(s, MARK_TEXT_CUT); return 0; }
  at &= MAX_PAYLOAD - 1;
  n &= MAX_STR - 1;
  if (space == USER ? read_user(s->record + at, n, from) : read_kernel(s->record + at, n, from))
    return 0;
  *(volatile u64 *)&s->used = at + n;
  return n;
}

/* Append what a walk has written into s->path, from path_at to its end: nothing for a root, which is "/". */
inlined u16 append_walked(struct scratch *s) {
  u64 at = *(volatile u32 *)&s->path_at;
  if (at >= MAX_STR) {
    at = MAX_STR - 1;
    s->path[MAX_STR - 1] = '/';
  }
  at = forgotten(s, at);
  at &= MAX_STR - 1;
  return append(s, KERNEL, s->path + at, MAX_STR - at);
}

/* Append a NUL-terminated string, without the NUL. */
inlined u16 append_str(struct scratch *s, enum space space, const void *from) {
  u64 at = *(volatile u64 *)&s->used;
  barrier_var(at);
  if (at >= MAX_PAYLOAD) { mark(s, MARK_TEXT_CUT); return 0; }
  at &= MAX_PAYLOAD - 1;
  s64 n = space == USER ? read_user_str(s->record + at, MAX_STR, from)
                        : read_kernel_str(s->record + at, MAX_STR, from);
  if (n < 2) return 0;
  n -= 1;
  *(volatile u64 *)&s->used = at + n;
  return n;
}
