/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/accounts.h compiled for user space, with a ring buffer that is two numbers: what accounts refuse, without a kernel. */
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64; typedef uint32_t u32; typedef uint16_t u16; typedef int64_t s64;
#define inlined static inline
#define MAP(name) ((void *)(u64)name)
#define LOOKUP(name, key) look_up(name, key)
enum { RING, FLOW, ACCOUNTS };
struct header { u64 time, cgroup; s64 result; u32 pid, tid; u16 type; };
static void *look_up(int map, const u32 *key);
enum { RB_AVAIL_DATA, RB_CONS_POS = 2, RB_NO_WAKEUP = 1, RB_FORCE_WAKEUP };
static u64 query_ring(u64 what);
static u64 bpf_get_current_uid_gid(void);
#include "accounts.h"

static struct flow flow;
static struct account accounts[ACCOUNT_PLACES];
static u64 consumed, produced, size;
static u32 user;

static void *look_up(int map, const u32 *key) { return map == FLOW ? (void *)&flow : (void *)&accounts[*key]; }
static u64 query_ring(u64 what) { return what == RB_CONS_POS ? consumed : produced - consumed; }
static u64 bpf_get_current_uid_gid(void) { return user; }

void begin(u64 ring, u64 seed) {
  flow = (struct flow){ring / 2, ring - ring / 8, ring / 512, seed, 0, 0};
  __builtin_memset(accounts, 0, sizeof(accounts));
  consumed = produced = 0;
  size = ring;
}

/* 1: written; 0: refused by an account; -1: the ring buffer is full. */
int write_record(u32 pid, u32 uid, u64 cgroup, u32 length, int share) {
  struct header head = {.cgroup = cgroup, .pid = pid, .type = 257};
  u64 filled = produced - consumed;
  user = uid;
  if (filled > flow.watermark && !charge(&flow, &head, length, share, filled)) return 0;
  if (filled + length > size) return -1;
  produced += length;
  return 1;
}

void read_bytes(u64 bytes) {
  consumed += bytes < produced - consumed ? bytes : produced - consumed;
}

u64 filled(void) { return produced - consumed; }

/* One account's numbers: passed, refused common, refused reserved; 0 for a key that has no place. */
u32 refused_of(u64 key, int part) {
  for (int i = 0; i < ACCOUNT_PLACES; i++)
    if (accounts[i].key == key) return accounts[i].refused[part];
  return 0;
}
