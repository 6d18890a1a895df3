/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of bpf/programs compiled for user space beside memory_model.c: each takes a call that has returned. */
#define NR_execve 59
#define NR_execveat 322
#define NR_clone 56
#define NR_clone3 435
#define NR_fchdir 81
#define NR_open_by_handle_at 304
#define NR_sendto 44
#define NR_recvfrom 45
#define NR_sendmsg 46
#define NR_recvmsg 47
typedef unsigned long long word_of_context;
struct bpf_raw_tracepoint_args { word_of_context args[5]; };
#include "memory_model.c"
#include "programs/accept.c"
#include "programs/cwd.c"
#include "programs/descriptor.c"
#include "programs/exec.c"
#include "programs/identity.c"
#include "programs/lifecycle.c"
#include "programs/mapping.c"
#include "programs/memory.c"
#include "programs/message.c"
#include "programs/mmsg.c"
#include "programs/number.c"
#include "programs/open.c"
#include "programs/pair.c"
#include "programs/path.c"
#include "programs/session.c"
#include "programs/transfer.c"

#define FAMILY(name) \
  int run_##name(struct syscall_ctx *sys) { return name(sys); }
#define TRACEPOINT(name) \
  int run_##name(struct bpf_raw_tracepoint_args *context) { return name(context); }
FAMILY(accept_exit) FAMILY(cwd_exit) FAMILY(descriptor_exit) FAMILY(execve_failed) FAMILY(identity_exit) FAMILY(clone_exit)
FAMILY(mapping_exit) FAMILY(memory_exit) FAMILY(message_exit) FAMILY(mmsg_exit) FAMILY(number_exit) FAMILY(open_exit)
FAMILY(pair_exit) FAMILY(path_exit) FAMILY(capset_exit) FAMILY(prctl_exit) FAMILY(transfer_exit)
TRACEPOINT(process_executed) TRACEPOINT(process_judged) TRACEPOINT(process_forked) TRACEPOINT(process_exited)
TRACEPOINT(process_moved)
u32 slots_used(u32 *then) {
  struct syscall_ctx *sys = this_cpu_syscall();
  *then = sys->then;
  return sys->slot;
}
