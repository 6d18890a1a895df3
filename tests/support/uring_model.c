/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/uring.h compiled for user space: one ring of 32 places, one request. */
#include "kernel_model.h"
#include "uring.h"

static struct io_ring_ctx ring;
static struct sqe queue[64];
static u32 order[32];
static struct uring_request request;
static struct syscall_ctx call;

int read_submitted(u32 flags, u32 head, u32 opcode, u64 user_data, int is_readable) {
  ring = (struct io_ring_ctx){flags, head, 32, is_readable ? queue : 0, order};
  return read_entry(&request, &ring, opcode, user_data);
}
void fill(struct uring_op *op) { fill_args(&request, op); }
void copy(struct uring_op *op) { copy_pointed(&request, op); }
void point(void) { point_args_at_copies(&call, &request); }
void clear(void) { __builtin_memset(&request, 0, sizeof(request)); __builtin_memset(&call, 0xee, sizeof(call)); }
void *queues(void) { return queue; }
void *orders(void) { return order; }
void *requests(void) { return &request; }
void *calls(void) { return &call; }
char *users(void) { return user_memory; }
