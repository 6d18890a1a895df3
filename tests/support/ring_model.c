/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/accounts.h compiled for user space, with a ring buffer modelled by two numbers, to see which records accounts refuse. */
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64; typedef uint32_t u32; typedef uint16_t u16; typedef int64_t s64;
#define inlined static inline
#define SUBPROGRAM(name) inlined u64 name##_body
#define CALL_SUBPROGRAM(name) name##_body
#define MAP(name) ((void *)(u64)name)
#define LOOKUP(name, key) look_up(name, key)
enum { RING, FLOW, ACCOUNTS, TAB, GROUP_TAB, METER };
struct header { u64 time, cgroup; s64 result; u32 pid, tid; u16 type; };
static void *look_up(int map, const u32 *key);
enum { RB_AVAIL_DATA, RB_NO_WAKEUP = 1, RB_FORCE_WAKEUP };
static u64 query_ring(u64 what);
#define HAS(name) 0 /* no controller of memory */
struct task_struct { struct { struct { struct { struct { u64 id; } *kn; } *cgroup; } *memory; } *cgroups; };
static struct task_struct *current_task(void) { return 0; }
static u64 bpf_get_current_uid_gid(void);
#include "accounts.h"

#define RECORD 192 /* bytes of a record, unless its writer sets another size */
static struct flow flow;
static struct tab tabs[2][MOST_TABS]; /* of two CPUs, which take turns */
static struct group_tab groups[2][MOST_GROUP_TABS];
static struct meter meters[2];
static struct account accounts[ACCOUNT_PLACES];
static u64 consumed, produced, size, looks, asks;
static u32 user;

static void *look_up(int map, const u32 *key) {
  u32 cpu = produced / RECORD & 1;
  switch (map) {
  case FLOW: return &flow;
  case TAB: return &tabs[cpu][*key];
  case METER: return &meters[cpu];
  case GROUP_TAB: return &groups[cpu][*key];
  default: looks++; return &accounts[*key];
  }
}
static u64 query_ring(u64 what) { asks++; return produced - consumed; }
static u64 bpf_get_current_uid_gid(void) { return user; }

/* A writer of records by one process, or by a new process after each `forks_after` records. */
struct writer { u64 cgroup; u32 rate, pid, uid, share, forks_after, length; u32 written, refused, full; };

#define MOST 1000000
static u32 turns[MOST];

static void write_record(struct writer *one) {
  u32 made = one->written + one->refused + one->full;
  struct header head = {.cgroup = one->cgroup, .pid = one->pid + (one->forks_after ? made / one->forks_after : 0), .type = one->share};
  u64 filled = produced - consumed, length = one->length ? one->length : RECORD;
  user = one->uid;
  if (!admit(&flow, &head, length, one->share)) one->refused += 1;
  else if (filled + length > size) one->full += 1;
  else { produced += length; one->written += 1; }
}

/* Run for `milliseconds`, in each of which the writers take turns in random order; in every third one the reader takes
   its share of `read` records a second. `most_tabs`: tabs of each CPU, a power of two. */
void run(struct writer *writers, int number, u64 ring, u64 seed, u32 milliseconds, u32 read, u32 most_tabs) {
  flow = (struct flow){.watermark = ring / 2, .limit = ring - ring / 8, .reserved = ring / 512, .tabs = most_tabs - 1,
                       .seed = seed * 0x2545f4914f6cdd1dull, .asks = 3};
  __builtin_memset(tabs, 0, sizeof(tabs));
  __builtin_memset(meters, 0, sizeof(meters));
  __builtin_memset(groups, 0, sizeof(groups));
  __builtin_memset(accounts, 0, sizeof(accounts));
  consumed = produced = looks = asks = 0;
  size = ring;
  for (u32 now = 0; now < milliseconds; now++) {
    u32 count = 0;
    for (int i = 0; i < number; i++) {
      u64 due = (u64)writers[i].rate * (now + 1) / 1000 - (u64)writers[i].rate * now / 1000;
      for (; due && count < MOST; due--) turns[count++] = i;
    }
    for (u32 i = count; i > 1; i--) {
      seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
      u32 other = seed % i, kept = turns[i - 1];
      turns[i - 1] = turns[other];
      turns[other] = kept;
    }
    for (u32 i = 0; i < count; i++) write_record(&writers[turns[i]]);
    u64 taken = (u64)read * 3 / 1000 * RECORD;
    if (now % 3 == 2) consumed += taken < produced - consumed ? taken : produced - consumed;
    flow.consumed = consumed;
  }
}

struct account *account(u32 place) { return &accounts[place]; }

/* Counts of the last run: lookups of accounts, and queries of the ring buffer's fill level. */
u32 looked_up(void) { return looks; }
u32 asked(void) { return asks; }

/* Records refused in the last run, by the accounts: common, or reserved and exact. */
u32 reported(u32 part) {
  u32 sum = 0;
  for (u32 i = 0; i < ACCOUNT_PLACES; i++) sum += accounts[i].refused[part];
  return sum;
}

/* The most records that a single account has let pass, by its own count. */
u32 most_passed(void) {
  u32 most = 0;
  for (u32 i = 0; i < ACCOUNT_PLACES; i++)
    if (accounts[i].passed > most) most = accounts[i].passed;
  return most;
}
