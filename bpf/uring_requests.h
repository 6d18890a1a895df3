/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Which requests of io_uring are remembered between submission and completion: maps URING_REQUESTS, URING_STRINGS (those with
   paths) and URING_LATEST, and the accounts in URING_HELD that share their entries fairly. A request that is not remembered is
   reported when it is submitted (programs/uring.c). */
#pragma once
#include "uring.h"

/* How many requests URING_REQUESTS and URING_STRINGS remember. */
#define URING_MOST 4096
#define URING_MOST_TEXTS 512
/* Map URING_HELD: how many of them are remembered at place 0 of all, elsewhere of the accounts (accounts.h) that a hash puts
   there. Accounts that share a place count together, and less is remembered of each. */
#define URING_HELD_PLACES 4096
struct uring_held { u32 requests, texts; };

inlined u16 held_place(const struct flow *flow, u64 key) {
  return (((key ^ flow->seed) * 0x9e3779b97f4a7c15ull >> 48) % (URING_HELD_PLACES - 1)) + 1;
}

inlined bool is_within_share(const struct uring_held *all, const struct uring_held *one, u32 times, bool texts) {
  u32 used = all->requests, used_texts = all->texts;
  if (used >= URING_MOST || one->requests >= (URING_MOST - used) * times) return false;
  return !texts || used_texts < URING_MOST_TEXTS && one->texts < (URING_MOST_TEXTS - used_texts) * times;
}

inlined void count_held(u32 place, u32 requests, u32 texts) {
  struct uring_held *one = LOOKUP(URING_HELD, &place);
  if (!one) return;
  __sync_fetch_and_add(&one->requests, requests);
  if (texts) __sync_fetch_and_add(&one->texts, requests);
}

/* Charge a request to its process and its user (root: its container), `requests` 1, or give its place back, -1. */
inlined void charge_request(const struct uring_request *r, u32 requests) {
  u32 process = r->process, user = r->user, texts = r->texts;
  count_held(0, requests, texts);
  count_held(process, requests, texts);
  count_held(user, requests, texts);
}

/* As in the ring buffer (accounts.h): a process may hold as many as are free, its user twice as many. */
inlined bool may_be_remembered(struct uring_request *r) {
  u32 zero = 0, uid = bpf_get_current_uid_gid();
  const struct flow *flow = flow_of_records();
  if (!flow) return false;
  u64 container = uid ? 0 : container_of_current(bpf_get_current_cgroup_id());
  r->process = held_place(flow, ACCOUNT_KEY(ACCOUNT_PROCESS, r->sys.task >> 32));
  r->user = held_place(flow, uid ? ACCOUNT_KEY(ACCOUNT_USER, uid) : ACCOUNT_KEY(ACCOUNT_ROOT, container));
  u32 place = r->process, users = r->user;
  struct uring_held *all = LOOKUP(URING_HELD, &zero), *process = LOOKUP(URING_HELD, &place);
  struct uring_held *user = LOOKUP(URING_HELD, &users);
  if (!all || !process || !user) return false;
  return is_within_share(all, process, 1, r->texts) && is_within_share(all, user, 2, r->texts);
}

/* Forget a request, by its struct io_kiocb. */
inlined void forget(struct uring_request *kept, u64 req) {
  struct completion_key key = {kept->ring, kept->sqe.user_data};
  u64 *latest = LOOKUP(URING_LATEST, &key);
  if (latest && *latest == req) bpf_map_delete_elem(MAP(URING_LATEST), &key);
  if (kept->texts) bpf_map_delete_elem(MAP(URING_STRINGS), &req);
  charge_request(kept, -1);
  bpf_map_delete_elem(MAP(URING_REQUESTS), &req);
}

/* False: its process or user has too many under way, or another request of the ring has the same user_data, by which a
   completion without room in its queue is recognised. */
inlined bool remember(struct uring_request *r, u64 req) {
  struct completion_key key = {r->ring, r->sqe.user_data};
  struct uring_request *stale = LOOKUP(URING_REQUESTS, &req);
  if (stale) forget(stale, req);
  if (!may_be_remembered(r)) return false;
  if (bpf_map_update_elem(MAP(URING_LATEST), &key, &req, IF_ABSENT)) return false;
  if (bpf_map_update_elem(MAP(URING_REQUESTS), &req, r, 0)) {
    bpf_map_delete_elem(MAP(URING_LATEST), &key);
    return false;
  }
  charge_request(r, 1);
  if (!r->texts || !bpf_map_update_elem(MAP(URING_STRINGS), &req, r->text, 0)) return true;
  forget(r, req);
  return false;
}
