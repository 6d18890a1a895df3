/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A system call that returned, and its arguments (x86-64). The programs of calls know it as `struct made` only: what
   differs between the ways in (see enum way) is told apart here. */
#pragma once
#include "record.h"

struct exit_point { u64 common; s32 number, pad; s64 result; }; /* of the tracepoints syscalls:sys_exit_* */

struct made {
  u64 args[8];      /* six, and room that a masked index may reach */
  s64 result;
  u64 task;         /* whose call it is: process << 32 | thread */
  s32 number;       /* of the native call that it is or stands for */
  u16 way, space;   /* enum way; enum space: where pointers among the arguments lead */
};

inlined volatile struct pt_regs *registers(struct task_struct *task) { return (void *)bpf_task_pt_regs(task); }

#define COPY_ARGUMENTS(to, from)                                                                     \
  do {                                                                                               \
    (to)[0] = (from)[0]; (to)[1] = (from)[1]; (to)[2] = (from)[2];                                   \
    (to)[3] = (from)[3]; (to)[4] = (from)[4]; (to)[5] = (from)[5];                                   \
  } while (0)

/* A native call at its exit: its arguments are still in the saved user registers. */
inlined void native(struct made *made, struct exit_point *ctx) {
  volatile struct pt_regs *regs = registers(bpf_get_current_task_btf());
  made->args[0] = regs->di; made->args[1] = regs->si; made->args[2] = regs->dx;
  made->args[3] = regs->r10; made->args[4] = regs->r8; made->args[5] = regs->r9;
  made->result = ctx->result;
  made->number = ctx->number;
  made->task = bpf_get_current_pid_tgid();
  made->way = WAY_NATIVE;
  made->space = USER;
}

inlined struct scratch *begin_call(const struct made *made, u64 fixed) {
  struct scratch *s = begin_for(made->task, made->number, SLOT_CALL, fixed, made->result);
  if (s) ((volatile struct header *)s->record)->way = made->way;
  return s;
}

/* What an argument points to. */
inlined s64 read_given(const struct made *made, void *to, u32 size, u64 from) {
  return made->space == USER ? bpf_probe_read_user(to, size, (void *)from) : bpf_probe_read_kernel(to, size, (void *)from);
}
inlined u16 append_given(struct scratch *s, const struct made *made, u64 from, u64 length) {
  return append(s, made->space, (void *)from, length);
}
inlined u16 append_given_text(struct scratch *s, const struct made *made, u64 from) {
  return append_text(s, made->space, (void *)from);
}

/* Which arguments of a call are what; NONE and PLAIN where there are none. Filled by user space, one a call. */
struct shape { s8 fd, address, text, dir, text2, dir2, text3, data; };
#define NONE (-1)  /* a path without a directory argument starts from the working directory */
#define PLAIN (-2) /* a text that is no path */

#define DATA_MAX 80 /* bytes of what was written or read */

inlined void no_texts(volatile struct call *e) {
  e->text[0] = e->text[1] = e->text[2] = e->base[0] = e->base[1] = e->base_marks[0] = e->base_marks[1] = e->data = 0;
}
