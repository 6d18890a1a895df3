/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* io_uring requests, as the system calls that they stand for. At submission (io_uring_submit_req) the sqe and all
   that it points to are copied into the map URING_REQUESTS, since the caller may reuse that memory at once; at
   completion (io_uring_complete, in any task) the result is joined with the copy, and the program of the native
   call is tail-called. The tracepoints are raw ones: uring.py knows which arguments they have. */
#include "file.h"
#include "uring_requests.h"

inlined int uring_submitted(struct bpf_raw_tracepoint_args *ctx) {
  struct io_kiocb *request = (void *)ctx->args[0];
  struct io_ring_ctx *ring = 0;
  u64 req = (u64)request, user_data = 0;
  u32 zero = 0, opcode;
  u8 operation = 0;
  COPY(operation, request->opcode);
  opcode = operation;
  struct uring_op *op = LOOKUP(URING_OPS, &opcode);
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  struct uring_request *r = LOOKUP(URING_REQUEST, &zero);
  if (!op || !settings || settings->off || !r || op->number < 0 && op->placed < 0) return 0;
  u64 task = bpf_get_current_pid_tgid();
  if (settings->own == task >> 32) return 0;
  /* A thread of SQPOLL or io-wq: the request counts as the process's own. */
  if (bpf_get_current_task_btf()->flags & PF_IO_WORKER) task = task >> 32 << 32 | task >> 32;
  COPY(ring, request->ctx);
  COPY(user_data, request->cqe.user_data);
  bool known = read_entry(r, ring, opcode, user_data);
  s16 number = op->placed && r->sqe.off != ~0ull ? op->placed : op->number;
  if (number < 0) return 0;
  r->sys.number = number;
  r->sys.task = task;
  r->sys.entry_path = ENTRY_URING;
  r->sys.exact = 0;
  r->sys.slot = r->sys.then = 0;
  r->sys.copies = r->sys.file = 0;
  r->texts = 0;
  fill_args(r, op);
  copy_pointed(r, op);
  r->ring = (u64)ring;
  bool silent = known && r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS; /* no completion follows a success: success is assumed */
  if (!silent && known && remember(r, req)) return 0;
  struct syscall_ctx *sys = this_cpu_syscall();
  struct counts *counts = counts_of(number);
  if (!sys || !counts) return 0;
  if (!known) { counts->seen += 1; counts->lost += 1; return 0; }
  point_args_at_copies(sys, r);
  if (!silent) sys->entry_path = ENTRY_SUBMITTED;
  sys->result = op->makes ? UNKNOWN_FD : 0;
  tail_call(ctx, number);
  return 0;
}

/* An open that was not remembered: its path is not known any longer, but the file that it gave is. */
inlined int opened_unremembered(struct bpf_raw_tracepoint_args *ctx, u64 req, s32 result) {
  if (!HAS(io_open__how)) return 0;
  struct io_open *open = (void *)req;
  u32 opcode = IORING_OP_OPENAT, slot = 0;
  u8 operation = 0;
  u64 flags = 0;
  COPY(operation, ((struct io_kiocb *)req)->opcode);
  COPY(slot, open->file_slot);
  if (result < 0 || slot || operation != IORING_OP_OPENAT && operation != IORING_OP_OPENAT2) return 0;
  struct uring_op *op = LOOKUP(URING_OPS, &opcode);
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!op || op->number < 0 || !sys) return 0;
  COPY(flags, *(u64 *)&open->how);
  u64 task = bpf_get_current_pid_tgid();
  *sys = (struct syscall_ctx){.args = {AT_FDCWD, 0, flags}, .result = result, .number = op->number, .entry_path = ENTRY_URING};
  sys->task = current_task()->flags & PF_IO_WORKER ? task >> 32 << 32 | task >> 32 : task;
  tail_call(ctx, sys->number);
  return 0;
}

/* The result of a request, found by its struct io_kiocb or, where the tracepoint has none, by its user_data. */
inlined int completed(struct bpf_raw_tracepoint_args *ctx, u64 req, u64 ring, u64 user_data, s32 result, u32 flags) {
  u32 zero = 0;
  if (!req) {
    struct completion_key key = {ring, user_data};
    u64 *latest = LOOKUP(URING_LATEST, &key);
    if (!latest) return 0;
    req = *latest;
  }
  struct uring_request *r = LOOKUP(URING_REQUEST, &zero), *kept = LOOKUP(URING_REQUESTS, &req);
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!r || !sys) return 0;
  if (!kept) return opened_unremembered(ctx, req, result);
  read_kernel(r, URING_REQUEST_COPIED, kept);
  if (r->texts) {
    void *text = LOOKUP(URING_STRINGS, &req);
    if (text) read_kernel(r->text, sizeof(r->text), text);
  }
  if (!(flags & IORING_CQE_F_MORE)) forget(r, req);
  /* Cancelled by the exit of its process: no call has returned. */
  if (result == -ECANCELED && bpf_get_current_pid_tgid() >> 32 != r->sys.task >> 32) return 0;
  point_args_at_copies(sys, r);
  COPY(sys->file, ((struct io_kiocb *)req)->file);
  sys->result = result;
  if (result >= 0 && r->direct)
    sys->result = DIRECT_FD | (r->sqe.extra == IORING_FILE_INDEX_ALLOC ? (u32)result : r->sqe.extra - 1);
  tail_call(ctx, sys->number);
  return 0;
}

inlined int uring_completed(struct bpf_raw_tracepoint_args *ctx) {
  struct cqe cqe = {};
  if (HAS(completed_cqe)) COPY(cqe, *(struct cqe *)ctx->args[2]);
  else cqe = (struct cqe){ctx->args[2], ctx->args[3], ctx->args[4]};
  return completed(ctx, ctx->args[1], ctx->args[0], cqe.user_data, cqe.result, cqe.flags);
}

/* The completion queue is full: there is no io_uring_complete then. */
inlined int uring_overflowed(struct bpf_raw_tracepoint_args *ctx) {
  return completed(ctx, 0, ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3]);
}
