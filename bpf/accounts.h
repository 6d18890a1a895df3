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
#define LIGHT 64          /* a process is light that holds less than one part in so many of what it may */
enum account_kind { ACCOUNT_PROCESS = 1, ACCOUNT_USER = 2, ACCOUNT_ROOT = 3, ACCOUNT_CONTAINER = 4 };
#define ACCOUNT_KEY(kind, id) ((u64)(kind) << 60 | ((id) & ((1ull << 60) - 1)))
#define ROOT_CGROUP 1 /* of a hierarchy: no container */

struct flow {             /* one, in FLOW, which user space has mapped */
  u64 watermark, limit;   /* bytes in the ring buffer from which on accounts pay; those without the reserve */
  u64 reserved;           /* bytes that each process has in the reserve */
  u64 seed;               /* of this start: which accounts share a place is no one's choice */
  u32 tabs;               /* of each CPU, less one: a power of two less one */
  u32 asks;               /* below the watermark a CPU writes one part in so many (a power of two: its logarithm) of what is
                             left to it before it asks again */
  u64 consumed;           /* the reader's position, which it writes as it does that of the ring buffer */
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
  u32 uid_now;            /* of a process: its user, as of one in so many of its records */
};

/* The fill of the ring buffer, as of a CPU's last query. A query is a call of the kernel, which may cost more than all the rest
   here: a return from it is slow where the kernel protects returns of AMD's processors (SRSO). */
struct meter {
  u64 end;                /* of what was written then, by all CPUs */
  s64 left;               /* bytes that this one may write before it asks again */
  u64 above;              /* whether accounts pay meanwhile */
};

/* Records of one process on a CPU that its accounts are not charged for yet. Each CPU has as many tabs as may owe a sixteenth
   of the ring buffer together, on all CPUs; a process has its place among them by a hash, and shares it with others: it
   takes the place from another's unpaid records if it comes twice in a row, and else is charged at once. */
#define MOST_TABS 64
struct tab {
  u64 cgroup;             /* of version 2 */
  u64 container;          /* key of its account; 0: none */
  u32 pid, uid;           /* the user is looked at anew when the tab is paid */
  u32 owed[2], open[2];   /* bytes, and whether its accounts may write: common, reserved and exact */
  u32 records;
  u32 rival;              /* the process that came last and has no tab */
};
#define TAB_PART 4        /* of what each process has in the reserve, so much of it at most; the same until a CPU asks again */

/* The same for a user in a container, which hundreds of processes in turn have in common: what their tabs have paid, and
   their records without a tab. */
#define MOST_GROUP_TABS 16
#define GROUP_LEVELS 2
struct group_tab {
  u64 cgroup;             /* of version 2 */
  u64 keys[GROUP_LEVELS]; /* of the accounts of user and container */
  u32 owed[2], open[2];
  u32 records, uid;
};

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
SUBPROGRAM(account_of)(const struct flow *flow, u64 key, u64 consumed) {
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
  return (u64)one;
}
inlined struct account *account_of(const struct flow *flow, u64 key, u64 consumed) {
  return (void *)CALL_SUBPROGRAM(account_of)(flow, key, consumed);
}

/* The container of the current task: its cgroup of version 2, or where that is the root, of the memory controller. */
inlined u64 container_of_current(u64 cgroup) {
  if (cgroup <= ROOT_CGROUP && HAS(css_set__memory)) return current_task()->cgroups->memory->cgroup->kn->id;
  return cgroup;
}

/* Of its account; 0: none. */
inlined u64 key_of_container(u64 cgroup) {
  u64 container = container_of_current(cgroup);
  return container > ROOT_CGROUP ? ACCOUNT_KEY(ACCOUNT_CONTAINER, container) : 0;
}

/* `part`: 0 of common records, 1 of those that may use the reserve; an index, since each branch doubles what is left for the
   verifier. */
inlined bool may_hold(const struct account *one, u32 part, u64 most) { return one->used[part & 1] < most; }

/* The account that a record is refused for, with what user space reports of it (Accounts of accounts.py). */
inlined bool refuse(struct account *one, const struct header *head, u32 part) {
  one->refused[part & 1] += 1;
  one->cgroup = container_of_current(head->cgroup);
  one->pid = head->pid;
  one->uid = bpf_get_current_uid_gid();
  one->type = head->type;
  return false;
}

/* Charge a record, or those of a tab. */
inlined void add(u32 used[2], const u32 owed[2]) {
  used[0] += owed[0];
  used[1] += owed[1];
}

inlined void charge_account(struct account *one, const u32 owed[2], u32 records, u64 end) {
  add(one->used, owed);
  one->passed += records;
  one->written = end - one->consumed;
}

/* Charge what a user in a container owes. Loops over accounts are none for the compiler: the stack has no room for two of each. */
inlined void pay_group(const struct flow *flow, struct group_tab *group, u64 consumed, u64 end) {
  if (!group->records) return;
#pragma clang loop unroll(disable)
  for (u32 level = 0; level < GROUP_LEVELS; level++) {
    u64 key = group->keys[level];
    struct account *one = key ? account_of(flow, key, consumed) : 0;
    if (one) charge_account(one, group->owed, group->records, end);
  }
  group->owed[0] = group->owed[1] = group->records = 0;
}

/* The place of the tab of a user in a container, which may be another's. */
inlined struct group_tab *group_place(const struct flow *flow, u32 uid, u64 cgroup) {
  u32 place = ((cgroup ^ flow->seed) + uid) * 0x9e3779b97f4a7c15ull >> 60 & flow->tabs & (MOST_GROUP_TABS - 1);
  return LOOKUP(GROUP_TAB, &place);
}

inlined bool is_of_group(const struct group_tab *group, u32 uid, u64 cgroup) {
  return group->uid == uid && group->cgroup == cgroup && group->keys[0];
}

/* It is another's from now on, once what it owes is paid. `container`: the key of the account; 0: none. */
inlined void turn_over(const struct flow *flow, struct group_tab *group, u32 uid, u64 cgroup, u64 container,
                       u64 consumed, u64 end) {
  pay_group(flow, group, consumed, end);
  group->uid = uid;
  group->cgroup = cgroup;
  group->open[0] = group->open[1] = 0;
  group->keys[0] = uid ? ACCOUNT_KEY(ACCOUNT_USER, uid) : ACCOUNT_KEY(ACCOUNT_ROOT, container);
  group->keys[1] = container;
}

/* The account of a user or a container that may write no more; null: none. Looked at again when their tab is full. `most`:
   what a process may hold; `more`: what a light one may use beyond that of what others may. */
inlined struct account *over_share(const struct flow *flow, struct group_tab *group, u32 part, u64 most, u64 more,
                                   u64 consumed, u64 end) {
  struct account *over = 0;
  bool open = true;
  if (group->open[part & 1] && group->owed[part & 1] <= flow->reserved / TAB_PART) return 0;
#pragma clang loop unroll(disable)
  for (u32 level = 0; level < GROUP_LEVELS; level++) {
    u64 key = group->keys[level];
    struct account *one = key ? account_of(flow, key, consumed) : 0;
    if (!one) continue;
    if (group->records) charge_account(one, group->owed, group->records, end);
    if (may_hold(one, part, most << (level + 1))) continue;
    open = false;
    if (!over && !may_hold(one, part, (most + more) << (level + 1))) over = one;
  }
  group->owed[0] = group->owed[1] = group->records = 0;
  group->open[part & 1] = open;
  return over;
}

/* The user of the current process, asked for once in a while. */
#define UID_PERIOD 64
inlined u32 user_of(struct account *process, bool anew) {
  if (anew || !(process->passed % UID_PERIOD)) process->uid_now = bpf_get_current_uid_gid();
  return process->uid_now;
}

/* Above the watermark: whether its accounts may write a record of this length. They are charged if so: by the tab, whose
   records are looked at once. */
inlined bool charge(const struct flow *flow, const struct header *head, u64 length, enum share share, u64 end) {
  u32 place = head->pid * 0x9e3779b1u >> 16 & flow->tabs & (MOST_TABS - 1);
  struct tab *tab = LOOKUP(TAB, &place);
  if (!tab) return true;
  u32 part = share != SHARE_COMMON;
  bool own = tab->pid == head->pid && tab->cgroup == head->cgroup;
  if (!own || !tab->open[part & 1] || tab->owed[part & 1] + length > flow->reserved / TAB_PART) {
    u64 consumed = flow->consumed, filled = end > consumed ? end - consumed : 0;
    u64 most = filled < flow->limit ? flow->limit - filled : 0;
    if (part && most < flow->reserved) most = flow->reserved;
    struct account *process = 0;
    struct group_tab *group = 0;
    bool due = tab->records && (own || tab->rival == head->pid);
#pragma clang loop unroll(disable)
    for (u32 turn = !due; turn < 2; turn++) { /* first what the tab owes, then this record */
      u32 pid = turn ? head->pid : tab->pid;
      u64 cgroup = turn ? head->cgroup : tab->cgroup;
      process = account_of(flow, ACCOUNT_KEY(ACCOUNT_PROCESS, pid), consumed);
      if (!process) return true;
      if (!turn) process->uid_now = tab->uid;
      u32 uid = turn ? user_of(process, own) : tab->uid;
      group = group_place(flow, uid, cgroup);
      if (!group) return true;
      if (!is_of_group(group, uid, cgroup))
        turn_over(flow, group, uid, cgroup, turn ? key_of_container(cgroup) : tab->container, consumed, end);
      if (turn) break;
      charge_account(process, tab->owed, tab->records, end);
      add(group->owed, tab->owed);
      group->records += tab->records;
      tab->owed[0] = tab->owed[1] = tab->open[0] = tab->open[1] = tab->records = 0;
    }
    struct account *over = process;
    if (may_hold(process, part, most))
      over = over_share(flow, group, part, most, may_hold(process, part, most / LIGHT) ? most / 2 : 0, consumed, end);
    if (over) return refuse(over, head, part);
    if (tab->records) { /* another's */
      tab->rival = head->pid;
      process->used[part & 1] += length;
      process->passed += 1;
      process->written = end - process->consumed;
      group->owed[part & 1] += length;
      group->records += 1;
      return true;
    }
    tab->pid = head->pid;
    tab->uid = group->uid;
    tab->cgroup = head->cgroup;
    tab->container = group->keys[1];
    tab->rival = 0;
    tab->open[part & 1] = 1;
  }
  tab->owed[part & 1] += length;
  tab->records += 1;
  return true;
}

/* Whether a record may be written. What CPUs write until they ask again is an eighth of the ring buffer at most, of all of
   them together. */
inlined bool admit(const struct flow *flow, const struct header *head, u64 length, enum share share) {
  u32 zero = 0;
  struct meter *meter = LOOKUP(METER, &zero);
  if (!meter) return true;
  if (meter->left <= 0) {
    u64 filled = query_ring(RB_AVAIL_DATA);
    meter->end = flow->consumed + filled;
    s64 room = (s64)(flow->watermark - filled) >> (flow->asks & 31); /* less than nothing above it */
    meter->above = (u64)room >> 63;
    meter->left = flow->reserved / TAB_PART + (room & (meter->above - 1));
  }
  meter->left -= length;
  return !meter->above || charge(flow, head, length, share, meter->end);
}

/* How a record wakes the reader (ring.py): an exact match at once, unless the reader was woken and comes; others
   where it waits for the next record. */
inlined u64 wake_up(struct flow *flow, enum share share) {
  if (share == SHARE_EXACT && flow->wants_exact) {
    flow->wants_exact = 0;
    return RB_FORCE_WAKEUP;
  }
  return flow->waits ? 0 : RB_NO_WAKEUP;
}
