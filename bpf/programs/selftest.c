/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Start-up check that the saved user registers still hold a call's arguments when it returns (Loader.prepare). */
#include "syscall_ctx.h"

struct selftest_result { u64 args[6]; s64 result; u64 task; };

inlined int selftest(const struct syscall_ctx *sys) {
  u32 zero = 0;
  volatile struct selftest_result *proof = LOOKUP(SELFTEST, &zero);
  if (!proof || sys->args[0] != SELFTEST_FIRST) return 0;
  COPY_ARGS(proof->args, sys->args);
  proof->result = sys->result;
  proof->task = sys->task;
  return 0;
}
