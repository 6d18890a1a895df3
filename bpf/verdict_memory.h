/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Opens that user space has judged are recognised when they come again, and discarded as filtered: no rule matches them.

   Two hashes, SipHash-1-3 under a secret of this start. The *caller* is one of the task, and of the *version* of its
   process and of each ancestor: another number after each record from which user space learns something new of that
   process. User space writes into the map CALLER_CLASSES which class a caller is of: callers of one class are those of
   which rules read the same. The *key* of an open is a hash of the class and of the part of its record that rules see
   (behind `cpu` of struct header). Behind the record stands the caller, while it has no class, or else the key; user space
   writes it into the map JUDGED_CALLS once it has found that no rule matches (plugins/sources/ebpf/verdicts.py).
   Entries of both maps hold in the generation in which they were written, which changes with whatever the kernel cannot see:
   the rules, or a repair of the state. It is part of the key, so that a record which comes before a change and is read
   after it gives no verdict for a class that its caller is no more of.

   A version changes after the record is in the ring buffer. So an open of the new caller is behind that record, and user
   space judges it as the record says; the class of the caller before is found no more. */
#pragma once
#include "kernel_filter.h"

#define MOST_WORDS 64     /* of a record that has a key, 8 bytes each */
#define MOST_ANCESTORS 16 /* of a task that is hashed as a caller */

struct caller_class {     /* an entry of CALLER_CLASSES; no number comes twice */
  u64 number;
  u32 generation, unused;
};
_Static_assert(sizeof(struct caller_class) == CALLER_CLASS_SIZE, "caller_class");

struct sip { u64 a, b, c, d; };

#define ROTATED(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

inlined void sip_round(struct sip *h) {
  h->a += h->b; h->b = ROTATED(h->b, 13) ^ h->a; h->a = ROTATED(h->a, 32);
  h->c += h->d; h->d = ROTATED(h->d, 16) ^ h->c;
  h->a += h->d; h->d = ROTATED(h->d, 21) ^ h->a;
  h->c += h->b; h->b = ROTATED(h->b, 17) ^ h->c; h->c = ROTATED(h->c, 32);
}

inlined void sip_word(struct sip *h, u64 word) {
  h->d ^= word;
  sip_round(h);
  h->a ^= word;
}

inlined struct sip begin_sip(const struct flow *flow) {
  struct sip h = {flow->secret[0] ^ 0x736f6d6570736575ull, flow->secret[1] ^ 0x646f72616e646f6dull,
                  flow->secret[0] ^ 0x6c7967656e657261ull, flow->secret[1] ^ 0x7465646279746573ull};
  return h;
}

inlined u64 end_sip(struct sip *h) {
  h->c ^= 0xff;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 3; i++) sip_round(h);
  return h->a ^ h->b ^ h->c ^ h->d;
}

/* The version of a process; one that has none begins with now, which it never had. 0: there is no room. */
inlined u64 version_of(u32 pid) {
  u64 *version = LOOKUP(TASK_VERSIONS, &pid);
  if (version) return *version;
  u64 now = bpf_ktime_get_boot_ns();
  bpf_map_update_elem(MAP(TASK_VERSIONS), &pid, &now, IF_ABSENT);
  version = LOOKUP(TASK_VERSIONS, &pid);
  return version ? *version : 0;
}

/* The caller of an event of this type; 0: it has too many ancestors, or one has no version. */
inlined u64 caller_of(const struct flow *flow, struct scratch *s, u64 caller, u32 type) {
  struct sip h = begin_sip(flow);
  struct task_struct *task = current_task();
  u32 pid = caller >> 32;
  sip_word(&h, caller);
  sip_word(&h, flow->changes);
  sip_word(&h, type); /* rules read other fields for each */
  COUNTED(i, s->round, MOST_ANCESTORS + 1) {
    u64 version = version_of(pid);
    if (!version) return 0;
    sip_word(&h, pid);
    sip_word(&h, version);
    if (pid < 2) return end_sip(&h) | IS_CALLER; /* init, or what the kernel starts itself */
    struct task_struct *parent = 0;
    READ(parent, task->real_parent);
    task = TYPED(task_struct, parent);
    READ(pid, task->tgid);
  }
  return 0;
}

/* The key of a record that is complete, of `used` bytes. */
inlined u64 key_of(const struct flow *flow, struct scratch *s, const struct caller_class *known, u64 used) {
  struct sip h = begin_sip(flow);
  const u64 *words = (void *)s->record;
  struct header *head = (void *)s->record;
  head->marks = s->marks;
  used &= MAX_PAYLOAD - 1;
  *(volatile u64 *)(s->record + used) = 0; /* what the last word has beyond the record */
  sip_word(&h, known->number);
  sip_word(&h, known->generation);
  sip_word(&h, words[__builtin_offsetof(struct header, cpu) / 8] >> 16);
#pragma clang loop unroll(disable)
  for (u32 i = __builtin_offsetof(struct header, result) / 8; i < MOST_WORDS; i++) { /* COUNTED costs a call 2 ns a round */
    if (i * 8 >= used) break;
    sip_word(&h, words[i]);
  }
  sip_word(&h, used);
  return end_sip(&h) & ~(u64)IS_CALLER;
}
_Static_assert(__builtin_offsetof(struct header, cpu) % 8 == 0 &&
               __builtin_offsetof(struct header, result) == __builtin_offsetof(struct header, cpu) + 8, "header");

/* Later events on the descriptor show the path that the open was given: it is kept as for an open that a filter discards
   (opened_path.h). User space names no open whose path is not plain, or that opened a directory. False: no room. */
inlined bool keep_path(struct scratch *s, struct file *file) {
  u32 zero = 0;
  struct filter_scratch *g = LOOKUP(FILTER_SCRATCH, &zero);
  struct dentry *dentry = 0;
  struct open *e = (void *)s->record;
  u64 length = e->user;
  if (!g || !file || !length || length >= MAX_OPENED_PATH) return false;
  READ(dentry, file->f_path.dentry);
  if (!dentry) return false;
  g->given.dentry = (u64)dentry;
  g->given.length = g->given.raw = length;
  barrier_var(length);
  read_kernel(g->given.bytes, length & (MAX_OPENED_PATH - 1), s->record + sizeof(struct open));
  return store_opened_path(file_address(s, file), (struct opened_path *)&g->given.dentry);
}

inlined int count_recognised(u32 type) {
  u32 zero = 0;
  struct counts *counts = counts_of(type);
  u64 *recognised = LOOKUP(RECOGNISED, &zero);
  if (counts) counts->filtered += 1;
  if (recognised) *recognised += 1;
  return 0;
}

/* The record of an open is complete; null: nothing was opened. */
inlined int end_open(const struct syscall_ctx *sys, struct scratch *s, struct file *opened) {
  u64 file = forgotten(s, (u64)opened); /* so the verifier follows what comes once, file or none */
  struct flow *flow = flow_of_records();
  u64 used = *(volatile u64 *)&s->used;
  u32 generation = flow ? flow->generation : 0;
  u64 hash = generation && used <= MOST_WORDS * 8 && sys->entry_path < ENTRY_URING
                 ? caller_of(flow, s, sys->task, sys->number) : 0;
  if (hash) {
    barrier_var(used);
    struct caller_class *known = LOOKUP(CALLER_CLASSES, &hash);
    if (known && known->generation == generation) {
      hash = key_of(flow, s, known, used);
      u32 *judged = LOOKUP(JUDGED_CALLS, &hash);
      if (judged && *judged == generation && (!file || !flow->keeps_paths || keep_path(s, TYPED(file, file))))
        return count_recognised(sys->number);
    }
    used &= MAX_PAYLOAD - 1;
    *(volatile u64 *)(s->record + used) = hash;
    *(volatile u64 *)&s->used = used + sizeof(hash);
    ((volatile struct header *)s->record)->entry_path |= HAS_HASH;
  }
  return OUTPUT_INDEX;
}
