/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls whose arguments are plain numbers. */
#include "syscall_ctx.h"

inlined int number_exit(const struct syscall_ctx *sys) {
  struct scratch *s = begin_syscall_record(sys, sizeof(struct call));
  if (!s) return 0;
  volatile struct call *e = (void *)s->record;
  COPY_ARGS(e->args, sys->args);
  clear_strs(e);
  return OUTPUT_INDEX;
}
