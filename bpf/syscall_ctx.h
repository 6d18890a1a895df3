/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A system call that returned, and its arguments (x86-64). The programs of calls know it as `struct made` only; the ways
   in (enum way) fill it: native.c, compat.c, uring.c. */
#pragma once
#include "record.h"

struct syscall_ctx {
  u64 args[8];      /* six, and room that a masked index may reach */
  s64 result;
  u64 task;         /* whose call it is: process << 32 | thread */
  u64 file;         /* what its descriptor stands for, where the way in knows; 0: see the task's table */
  u64 copies;       /* the request of io_uring that keeps what some arguments point to; 0: all lies with the caller */
  s32 number;       /* of the native call that it is or stands for */
  u16 entry_path, spare;   /* enum way */
};

_Static_assert(sizeof(struct syscall_ctx) == SYSCALL_CTX_SIZE, "syscall_ctx");

inlined volatile struct pt_regs *saved_regs(struct task_struct *task) { return (void *)bpf_task_pt_regs(task); }

#define COPY_ARGS(to, from)                                                                     \
  do {                                                                                               \
    (to)[0] = (from)[0]; (to)[1] = (from)[1]; (to)[2] = (from)[2];                                   \
    (to)[3] = (from)[3]; (to)[4] = (from)[4]; (to)[5] = (from)[5];                                   \
  } while (0)

inlined struct scratch *begin_syscall_record(const struct syscall_ctx *sys, u64 fixed) {
  struct scratch *s = begin_record_for(sys->task, sys->number, SLOT_CALL, fixed, sys->result);
  if (s) ((volatile struct header *)s->record)->entry_path = sys->entry_path;
  return s;
}

/* What an argument points to: memory of the caller, whatever address it may name, or a copy of it. */
inlined enum space arg_space(const struct syscall_ctx *sys, u64 from) {
  return sys->copies && from - sys->copies < URING_REQUEST_SIZE ? KERNEL : USER;
}
inlined s64 read_arg(const struct syscall_ctx *sys, void *to, u32 size, u64 from) {
  return arg_space(sys, from) == USER ? bpf_probe_read_user(to, size, (void *)from)
                                      : bpf_probe_read_kernel(to, size, (void *)from);
}
inlined u16 append_arg(struct scratch *s, const struct syscall_ctx *sys, u64 from, u64 length) {
  return append(s, arg_space(sys, from), (void *)from, length);
}
inlined u16 append_arg_str(struct scratch *s, const struct syscall_ctx *sys, u64 from) {
  return append_str(s, arg_space(sys, from), (void *)from);
}

/* A word (a pointer, a size) of an array or a struct of words that an argument points to; 0 where there is none. */
inlined u64 arg_word(const struct syscall_ctx *sys, u64 from, u32 index) {
  u64 value = 0;
  u32 narrow = 0;
  if (sys->entry_path != ENTRY_COMPAT) { read_arg(sys, &value, 8, from + index * 8); return value; }
  read_arg(sys, &narrow, 4, from + index * 4);
  return narrow;
}

/* Every way in finds a call out, leaves it in MADE, and goes on in the program of the native call: the one of its family,
   or the gate before that (gate.h), which goes on at the number + BEHIND_GATE. Program arrays hold programs of one type, so
   there are two with the same programs: NATIVE for tracepoints, DOORS for raw ones. */
#define UNFILTERED_INDEX TYPES
inlined struct syscall_ctx *this_cpu_syscall(void) {
  u32 zero = 0;
  return LOOKUP(SYSCALL_CTX, &zero);
}
inlined void tail_call(void *ctx, u32 array, u32 number) { /* bcc's own wrapper takes another type in each release */
  ((void (*)(void *, void *, u32))BPF_FUNC_tail_call)(ctx, MAP(array), number);
}

/* Which arguments of a call are what; NONE and PLAIN where there are none. Filled by user space, one a call. */
#define BLOCKS 3
struct arg_layout { s8 fd, address, text, dir, text2, dir2, text3, data, vectors, incoming, block[BLOCKS], size[BLOCKS]; };
#define NONE (-1)  /* a path without a directory argument starts from the working directory */
#define PLAIN (-2) /* a text that is no path */
#define NO_FD (-2) /* a call that is about no descriptor; RESULT: about the one that it makes */
#define RESULT (-1)
#define POINTED 127 /* a block of as many bytes as lie where the next argument points */

#define DATA_MAX 80 /* bytes of what was written or read */

#define BLOCK_MAX 128 /* bytes of a block that is no text */

/* One piece of memory that an argument points to. */
inlined u16 append_block(struct scratch *s, const struct syscall_ctx *sys, volatile u64 *args, s32 argument, s32 size) {
  u64 from = args[argument & 7], next = args[(argument + 1) & 7], length = size;
  if (argument < 0 || !from) return 0;
  if (size == 0) return append_arg_str(s, sys, from);
  if (size < 0) {
    length = (u32)next * (u64)-size;
  } else if (size == POINTED) {
    u32 told = 0;
    read_arg(sys, &told, sizeof(told), next);
    length = told;
  }
  return append_arg(s, sys, from, length > BLOCK_MAX ? BLOCK_MAX : length);
}

inlined void clear_strs(volatile struct call *e) {
  e->text[0] = e->text[1] = e->text[2] = e->base[0] = e->base[1] = e->base_marks[0] = e->base_marks[1] = e->data = 0;
}
