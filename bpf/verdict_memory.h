/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Opens that user space has judged are recognised when they come again, and discarded as filtered: no rule matches them.

   An open is recognised by a key: SipHash-1-3 under a secret of this start, of all that decides its verdict. That is the
   part of its record that rules see (behind `cpu` of struct header), the task, and the *version* of its process and of each
   ancestor: another number after each record from which user space learns something new of that process. The key stands
   behind the record; user space writes it into the map JUDGED_CALLS once it has found that no rule matches
   (plugins/sources/ebpf/judged_calls.py), with the generation in force, which changes with whatever the kernel cannot see:
   the rules, or a repair of the state.

   A version changes after the record is in the ring buffer. So an open with the new one is behind that record, and user
   space judges it as the record says; what was found of an earlier one is found no more. */
#pragma once
#include "kernel_filter.h"

#define MOST_WORDS 64     /* of a record that has a key, 8 bytes each, behind the process and its ancestors */
#define MOST_ANCESTORS 16 /* a task with more has no key */
#define IF_ABSENT 1       /* BPF_NOEXIST */

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

/* The version of a process; one that has none begins with now, which it never had. 0: there is no room. */
inlined u64 version_of(u32 pid) {
  u64 *version = LOOKUP(TASK_VERSIONS, &pid);
  if (version) return *version;
  u64 now = bpf_ktime_get_boot_ns();
  bpf_map_update_elem(MAP(TASK_VERSIONS), &pid, &now, IF_ABSENT);
  version = LOOKUP(TASK_VERSIONS, &pid);
  return version ? *version : 0;
}

/* The process and its ancestors. False: there are too many, or one has no version. */
inlined bool hash_lineage(struct scratch *s, struct sip *h, u64 caller) {
  struct task_struct *task = current_task();
  u32 pid = caller >> 32;
  COUNTED(i, s->round, MOST_ANCESTORS + 1) {
    u64 version = version_of(pid);
    if (!version) return false;
    sip_word(h, pid);
    sip_word(h, version);
    if (pid < 2) return true; /* init, or what the kernel starts itself */
    struct task_struct *parent = 0;
    READ(parent, task->real_parent);
    task = TYPED(task_struct, parent);
    READ(pid, task->tgid);
  }
  return false;
}

/* The key of a record that is complete; 0: it has none. */
inlined u64 key_of(const struct flow *flow, struct scratch *s, u64 task) {
  u64 used = *(volatile u64 *)&s->used;
  struct sip h = {flow->secret[0] ^ 0x736f6d6570736575ull, flow->secret[1] ^ 0x646f72616e646f6dull,
                  flow->secret[0] ^ 0x6c7967656e657261ull, flow->secret[1] ^ 0x7465646279746573ull};
  const u64 *words = (void *)s->record;
  struct header *head = (void *)s->record;
  head->marks = s->marks;
  if (used > MOST_WORDS * 8) return 0;
  barrier_var(used);
  used &= MAX_PAYLOAD - 1;
  *(volatile u64 *)(s->record + used) = 0; /* what the last word has beyond the record */
  sip_word(&h, task);
  sip_word(&h, flow->changes);
  if (!hash_lineage(s, &h, task)) return 0;
  sip_word(&h, words[__builtin_offsetof(struct header, cpu) / 8] >> 16);
#pragma clang loop unroll(disable)
  for (u32 i = __builtin_offsetof(struct header, result) / 8; i < MOST_WORDS; i++) { /* COUNTED costs a call 2 ns a round */
    if (i * 8 >= used) break;
    sip_word(&h, words[i]);
  }
  sip_word(&h, used);
  h.c ^= 0xff;
  sip_round(&h);
  sip_round(&h);
  sip_round(&h);
  u64 key = h.a ^ h.b ^ h.c ^ h.d;
  return key ? key : 1;
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
  bpf_probe_read_kernel(g->given.bytes, length & (MAX_OPENED_PATH - 1), s->record + sizeof(struct open));
  return store_opened_path(file, (struct opened_path *)&g->given.dentry);
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
inlined int submit_open(const struct syscall_ctx *sys, struct scratch *s, struct file *opened) {
  u64 file = forgotten(s, (u64)opened); /* so the verifier follows what comes once, file or none */
  struct flow *flow = flow_of_records();
  u64 key = flow && flow->generation && sys->entry_path != ENTRY_URING ? key_of(flow, s, sys->task) : 0;
  if (key) {
    u32 *judged = LOOKUP(JUDGED_CALLS, &key);
    if (judged && *judged == flow->generation && (!file || !flow->keeps_paths || keep_path(s, TYPED(file, file))))
      return count_recognised(sys->number);
    u64 used = *(volatile u64 *)&s->used;
    barrier_var(used);
    used &= MAX_PAYLOAD - 1;
    *(volatile u64 *)(s->record + used) = key;
    *(volatile u64 *)&s->used = used + sizeof(key);
    ((volatile struct header *)s->record)->entry_path |= HAS_KEY;
  }
  return submit_record(s);
}
