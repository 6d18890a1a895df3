/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Fair loss: who pays while the ring buffer fills up, and whom a record wakes.

   Below a watermark every record goes in. Above it each is charged to three accounts: its process (thread group), its user
   and its container (cgroup). An account may hold as many bytes of the ring buffer as are still free in it, twice as many
   for a user, four times as many for a container, and of these a process that holds little itself half as many more:
   whatever few accounts write, a part of the ring buffer stays free, and one that holds little is refused nothing. What
   an account holds is estimated: what it wrote, less the same part of it as the reader has taken of the whole.

   The last eighth of the ring buffer is a reserve for what must not be lost: fork, exec, exit, changes of identity, and
   exact matches (calls that a rule names, struct syscall_ctx). They are charged apart, so that an account cannot bury its
   own in noise, and in the reserve each account has a few records at least. */
#pragma once

enum share { SHARE_COMMON, SHARE_RESERVED, SHARE_EXACT }; /* of a record; the last two may use the reserve */

#define ACCOUNT_PLACES 4096
#define ACCOUNT_BITS 12
#define LEVELS 3
#define LIGHT 64          /* a process is light that holds less than one part in so many of what it may */
enum account_kind { ACCOUNT_PROCESS = 1, ACCOUNT_USER = 2, ACCOUNT_ROOT = 3, ACCOUNT_CONTAINER = 4 };
#define ACCOUNT_KEY(kind, id) ((u64)(kind) << 60 | ((id) & ((1ull << 60) - 1)))
#define ROOT_CGROUP 1 /* of a hierarchy: no container */

struct flow {             /* one, in FLOW, which user space has mapped */
  u64 watermark, limit;   /* bytes in the ring buffer from which on accounts pay; those without the reserve */
  u64 reserved;           /* bytes that each process has in the reserve */
  u64 seed;               /* of this start: which accounts share a place is no one's choice */
  u32 tabs, spare;        /* of each CPU, less one: a power of two less one */
  u32 waits;              /* the reader waits for the next record, whatever it is; set and cleared by the reader */
  u32 wants_exact;        /* it wants to be woken for an exact match: set by the reader, cleared by who wakes it */
  u64 secret[2];          /* of this start: under it calls are recognised (verdict_memory.h) */
  u64 changes;            /* another number after records that may change what is known of any process */
  u32 generation;         /* in which verdicts on calls hold; 0: no call is recognised */
  u32 keeps_paths;        /* the path of a recognised open is kept (opened_path.h) */
};

struct account {
  u64 key;                /* ACCOUNT_KEY; 0: free */
  u64 consumed;           /* the reader's position that `used` is of */
  u64 cgroup;             /* of its last refused record, as the next members */
  u32 pid, uid, type;
  u32 written;            /* bytes behind `consumed` when it wrote last */
  u32 used[2];            /* bytes of them that are its own: common, reserved and exact */
  u32 passed;             /* records that were charged to it */
  u32 refused[2];         /* ... and refused because of it */
  u32 spare;
};

/* Records of one process on a CPU that its accounts are not charged for yet. Each CPU has as many tabs as may owe a sixteenth
   of the ring buffer together, on all CPUs; a process has its place among them by a hash, and shares it with others. */
#define MOST_TABS 64
struct tab {
  u64 who;                /* process id << 32 | user id */
  u64 cgroup;             /* of version 2 */
  u64 keys[LEVELS];       /* of its accounts */
  u32 owed[2], open[2];   /* bytes, and whether its accounts may write: common, reserved and exact */
  u32 records, spare;
};
#define TAB_PART 4        /* of what each process has in the reserve, so much of it at most */

inlined struct flow *flow_of_records(void) {
  u32 zero = 0;
  return LOOKUP(FLOW, &zero);
}

/* How much of the ring buffer an account holds, for who takes its place: nothing once the reader is past it. */
inlined u32 held(const struct account *one, u64 consumed) {
  return consumed - one->consumed >= one->written ? 0 : one->used[0] + one->used[1];
}

/* What the reader has taken since is taken from `used`, in steps of a 64th at least: a division now and then. */
inlined void settle(struct account *one, u64 consumed) {
  u64 taken = consumed - one->consumed, written = one->written;
  if (taken >= written) {
    one->used[0] = one->used[1] = one->written = 0;
  } else {
    if (taken * 64 < written) return;
    one->used[0] -= one->used[0] * taken / written;
    one->used[1] -= one->used[1] * taken / written;
    one->written = written - taken;
  }
  one->consumed = consumed;
}

/* One of two places of a key, settled; where others have both, the one that holds less makes room: it begins anew, which is to
   its advantage. CPUs that do this at once, or charge at once, may lose a charge: the estimate is off for a moment, and
   what is free in the ring buffer is measured. */
inlined struct account *account_of(const struct flow *flow, u64 key, u64 consumed) {
  u64 hash = (key ^ flow->seed) * 0x9e3779b97f4a7c15ull;
  u32 first = hash >> (64 - ACCOUNT_BITS), second = hash >> (64 - 2 * ACCOUNT_BITS) & (ACCOUNT_PLACES - 1);
  struct account *one = LOOKUP(ACCOUNTS, &first), *other;
  if (!one) return 0;
  if (one->key != key) {
    other = LOOKUP(ACCOUNTS, &second);
    if (!other) return 0;
    if (other->key == key || held(other, consumed) < held(one, consumed)) one = other;
  }
  if (one->key != key) {
    one->key = key;
    one->written = one->passed = one->refused[0] = one->refused[1] = 0;
  }
  settle(one, consumed);
  return one;
}

/* The container of the current task: its cgroup of version 2, or where that is the root, of the memory controller. */
inlined u64 container_of_current(u64 cgroup) {
#ifdef MEMORY_CGRP_ID
  if (cgroup <= ROOT_CGROUP) return current_task()->cgroups->subsys[MEMORY_CGRP_ID]->cgroup->kn->id;
#endif
  return cgroup;
}

inlined bool may_hold(const struct account *one, bool part, u64 most) {
  return (part ? one->used[1] : one->used[0]) < most;
}

/* The account that a record is refused for, with what user space reports of it (Accounts of accounts.py). */
inlined bool refuse(struct account *one, const struct header *head, bool part) {
  if (part) one->refused[1] += 1;
  else one->refused[0] += 1;
  one->cgroup = container_of_current(head->cgroup);
  one->pid = head->pid;
  one->uid = bpf_get_current_uid_gid();
  one->type = head->type;
  return false;
}

/* It is another process's from now on. */
inlined void turn_over(struct tab *tab, u64 who, u64 cgroup) {
  u64 container = container_of_current(cgroup);
  u32 uid = who;
  tab->who = who;
  tab->cgroup = cgroup;
  tab->open[0] = tab->open[1] = 0;
  tab->keys[0] = ACCOUNT_KEY(ACCOUNT_PROCESS, who >> 32);
  tab->keys[1] = uid ? ACCOUNT_KEY(ACCOUNT_USER, uid) : ACCOUNT_KEY(ACCOUNT_ROOT, container);
  tab->keys[2] = container > ROOT_CGROUP ? ACCOUNT_KEY(ACCOUNT_CONTAINER, container) : 0;
}

/* Charge what a tab owes. The loops are none for the compiler: the stack has no room for three of each. */
inlined void pay(const struct flow *flow, struct tab *tab, u64 consumed, u64 end) {
  if (!tab->records) return;
#pragma clang loop unroll(disable)
  for (u32 level = 0; level < LEVELS; level++) {
    u64 key = tab->keys[level];
    struct account *one = key ? account_of(flow, key, consumed) : 0;
    if (!one) continue;
    one->used[0] += tab->owed[0];
    one->used[1] += tab->owed[1];
    one->passed += tab->records;
    one->written = end - one->consumed;
  }
  tab->owed[0] = tab->owed[1] = tab->records = 0;
}

/* The account that may write no more; null: none. */
inlined struct account *over_share(const struct flow *flow, const struct tab *tab, bool part, u64 most,
                                   u64 consumed) {
  u64 more = 0; /* for its user and its container, where the process is light */
#pragma clang loop unroll(disable)
  for (u32 level = 0; level < LEVELS; level++) {
    u64 key = tab->keys[level];
    struct account *one = key ? account_of(flow, key, consumed) : 0;
    if (!one) continue;
    if (!may_hold(one, part, (most << level) + (more << level))) return one;
    if (!level && may_hold(one, part, most / LIGHT)) more = most / 2;
  }
  return 0;
}

/* Above the watermark: whether its accounts may write a record of this length. They are charged if so: by the tab, whose
   records are looked at once. */
inlined bool charge(const struct flow *flow, const struct header *head, u64 length, enum share share, u64 filled) {
  u32 uid = bpf_get_current_uid_gid();
  u32 place = head->pid * 0x9e3779b1u >> 16 & flow->tabs & (MOST_TABS - 1);
  struct tab *tab = LOOKUP(TAB, &place);
  if (!tab) return true;
  bool part = share != SHARE_COMMON;
  u64 who = (u64)head->pid << 32 | uid;
  u32 owed = part ? tab->owed[1] : tab->owed[0];
  if (!(part ? tab->open[1] : tab->open[0]) || tab->who != who || tab->cgroup != head->cgroup ||
      owed + length > flow->reserved / TAB_PART) {
    u64 consumed = query_ring(RB_CONS_POS), most = filled < flow->limit ? flow->limit - filled : 0;
    pay(flow, tab, consumed, consumed + filled);
    if (tab->who != who || tab->cgroup != head->cgroup) turn_over(tab, who, head->cgroup);
    if (part && most < flow->reserved) most = flow->reserved;
    struct account *over = over_share(flow, tab, part, most, consumed);
    if (part) tab->open[1] = !over;
    else tab->open[0] = !over;
    if (over) return refuse(over, head, part);
  }
  if (part) tab->owed[1] += length;
  else tab->owed[0] += length;
  tab->records += 1;
  return true;
}

/* How a record wakes the reader (poll_interval.py): an exact match at once, unless the reader was woken and comes; others
   where it waits for the next record. */
inlined u64 wake_up(struct flow *flow, enum share share) {
  if (share == SHARE_EXACT && flow->wants_exact) {
    flow->wants_exact = 0;
    return RB_FORCE_WAKEUP;
  }
  return flow->waits ? 0 : RB_NO_WAKEUP;
}
