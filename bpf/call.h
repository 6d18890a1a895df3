/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The exit of a system call: its context and, still in the saved user registers, its arguments (x86-64). */
#pragma once
#include "record.h"

struct point { u64 common; s32 number, pad; s64 result; }; /* of the tracepoints syscalls:sys_exit_* */

inlined volatile struct pt_regs *registers(struct task_struct *task) { return (void *)bpf_task_pt_regs(task); }

#define COPY_ARGUMENTS(to, regs)                                                                     \
  do {                                                                                               \
    (to)[0] = (regs)->di; (to)[1] = (regs)->si; (to)[2] = (regs)->dx;                                \
    (to)[3] = (regs)->r10; (to)[4] = (regs)->r8; (to)[5] = (regs)->r9;                               \
  } while (0)

/* Which arguments of a call are what; NONE and PLAIN where there are none. Filled by user space, one a call. */
struct shape { s8 fd, address, text, dir, text2, dir2, text3, data; };
#define NONE (-1)  /* a path without a directory argument starts from the working directory */
#define PLAIN (-2) /* a text that is no path */

#define DATA_MAX 80 /* bytes of what was written or read */

inlined void no_texts(volatile struct call *e) {
  e->text[0] = e->text[1] = e->text[2] = e->base[0] = e->base[1] = e->base_marks[0] = e->base_marks[1] = e->data = 0;
}
