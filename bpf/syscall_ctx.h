/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* struct syscall_ctx: a system call that has returned, with its arguments, whichever entry path it took.
   The program of an entry path (native.c, calls.c, uring.c) fills the per-CPU map SYSCALL_CTX and tail-calls, by
   the native call's number, the program of its family (open.c, path.c, descriptor.c …), or the kernel filter
   before that one (kernel_filter.h), which then tail-calls the family at the number + UNFILTERED_INDEX. A family that
   has completed a record returns OUTPUT_INDEX, and is followed by output.c.

   The kernel wants programs of one type in a program array, so there are two with the same programs: TP_PROGS for
   tracepoints and RAW_TP_PROGS for raw tracepoints (calls.c). PROGS is the one of a program's own type. */
#pragma once
#include "record.h"
#include ARCH

struct syscall_ctx {
  u64 args[8];      /* six, and two that a masked index may reach */
  s64 result;
  u64 task;         /* the caller: tgid << 32 | pid */
  u64 file;         /* struct file of its descriptor, where io_uring knows it; 0: look it up in the task's fd table */
  u64 copies;       /* struct uring_request with copies of what arguments point to; 0: they point to user memory */
  s32 number;       /* mozu's, of the native call that it is, or stands for */
  u16 entry_path;
  u16 exact;        /* low byte: the kernel filter found what a rule says of the call, set by it (filter_program.py);
                       high byte: ACT_*, set by the program of the call's kill rules (kernel_kill.h) */
  u32 done;         /* records that a program has made of this call, which goes on by a tail call of itself; else 0 */
  u16 slot, then;   /* for output.c: enum slot of the record, and of one that follows it; 0: none does */
};

_Static_assert(sizeof(struct syscall_ctx) == SYSCALL_CTX_SIZE, "syscall_ctx");

/* The user's registers as the entry of the call saved them; they still hold its arguments. */
inlined volatile struct pt_regs *saved_regs(struct task_struct *task) { return (void *)bpf_task_pt_regs(task); }

#define COPY_ARGS(to, from)                                                                          \
  do {                                                                                               \
    (to)[0] = (from)[0]; (to)[1] = (from)[1]; (to)[2] = (from)[2];                                   \
    (to)[3] = (from)[3]; (to)[4] = (from)[4]; (to)[5] = (from)[5];                                   \
  } while (0)

SUBPROGRAM(begin_syscall_record)(const struct syscall_ctx *sys, u64 fixed) {
  struct scratch *s = begin_record_for(sys->task, sys->number, SLOT_CALL, fixed, sys->result);
  if (!s) return 0;
  ((volatile struct header *)s->record)->entry_path = sys->entry_path;
  if (sys->exact) {
    s->share = SHARE_EXACT;
    ((volatile struct header *)s->record)->entry_path = sys->entry_path | (sys->exact & ACTS);
  }
  return (u64)s;
}
inlined struct scratch *begin_syscall_record(const struct syscall_ctx *sys, u64 fixed) {
  return (void *)CALL_SUBPROGRAM(begin_syscall_record)(sys, fixed);
}

/* Whose memory an argument points to: the caller's, or the copies of a request. */
inlined enum space arg_space(const struct syscall_ctx *sys, u64 from) {
  return sys->copies && from - sys->copies < URING_REQUEST_SIZE ? KERNEL : USER;
}
inlined s64 read_arg(const struct syscall_ctx *sys, void *to, u32 size, u64 from) {
  return arg_space(sys, from) == USER ? read_user(to, size, (void *)from)
                                      : read_kernel(to, size, (void *)from);
}
inlined u16 append_arg(struct scratch *s, const struct syscall_ctx *sys, u64 from, u64 length) {
  return append(s, arg_space(sys, from), (void *)from, length);
}
/* Bytes of what was read or written, at most: as many as the source's `snaplen` says; of a request of io_uring as many as
   were copied. */
#define URING_DATA_MAX 80
inlined u64 data_limit(const struct syscall_ctx *sys) {
  u32 zero = 0;
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  u64 limit = settings ? settings->snaplen : 0;
  return sys->copies && limit > URING_DATA_MAX ? URING_DATA_MAX : limit;
}
inlined u16 append_data(struct scratch *s, const struct syscall_ctx *sys, u64 from, u64 length) {
  u64 limit = data_limit(sys);
  return append_arg(s, sys, from, length > limit ? limit : length);
}
SUBPROGRAM(append_arg_str)(struct scratch *s, const struct syscall_ctx *sys, u64 from) {
  return append_str(s, arg_space(sys, from), (void *)from);
}
inlined u16 append_arg_str(struct scratch *s, const struct syscall_ctx *sys, u64 from) {
  return CALL_SUBPROGRAM(append_arg_str)(s, sys, from);
}

/* One word (a pointer, a size) of the array or struct of words that an argument points to: 4 bytes wide in a
   32-bit call. 0 if it cannot be read. */
inlined u64 arg_word(const struct syscall_ctx *sys, u64 from, u32 index) {
  u64 value = 0;
  u32 narrow = 0;
  if (sys->entry_path != ENTRY_COMPAT) { read_arg(sys, &value, 8, from + index * 8); return value; }
  read_arg(sys, &narrow, 4, from + index * 4);
  return narrow;
}

/* A call goes through the programs at its number, at this and at twice this behind it, as far as there are such: the kernel
   filter, the program of kill rules, the family. */
#define UNFILTERED_INDEX NUMBERS_END
#define EXECUTED_INDEX (3 * NUMBERS_END) /* the program of kill rules for an exec, and behind it what that goes on to */
#define OUTPUT_INDEX (3 * NUMBERS_END + 2) /* what all go on to that have completed a record: output.c, always there */
inlined struct syscall_ctx *this_cpu_syscall(void) {
  u32 zero = 0;
  return LOOKUP(SYSCALL_CTX, &zero);
}
inlined void tail_call(void *ctx, u32 number) { /* bcc's own wrapper changes its types between releases */
  ((void (*)(void *, void *, u32))BPF_FUNC_tail_call)(ctx, MAP(PROGS), number);
}
/* The end of a family's program, and of OUTPUT's: `next` is the index of the program that goes on with the call, 0 if none
   does. A family that makes one record a run (mmsg.c) runs once more behind each, which the verifier follows once, where it
   would follow each round of a loop. */
inlined int go_on(void *ctx, struct syscall_ctx *sys, u32 next) {
  if (!next) return 0;
  tail_call(ctx, next);
  sys->done = 0; /* there is no such program any longer */
  return 0;
}

/* The same of a program that is none of a call: it has completed the record of this slot, and perhaps another, of slot `then`.
   Nothing of a call is under way on this CPU: programs of both run without preemption, and not in interrupts. */
inlined int end_records(void *ctx, u32 slot, u32 then) {
  struct syscall_ctx *sys = this_cpu_syscall();
  if (!sys) return 0;
  sys->slot = slot;
  sys->then = then;
  sys->done = 0;
  tail_call(ctx, OUTPUT_INDEX);
  return 0;
}

/* Which arguments of a call are descriptors, paths and blocks: map ARG_LAYOUTS, one a call, filled from
   core/abi/syscall_tables.py. The constants are those of core/abi/spec.py. */
#define MAX_BLOCKS 3
struct arg_layout {
  s8 fd, address, text, dir, text2, dir2, text3, data, vectors, incoming, block[MAX_BLOCKS], size[MAX_BLOCKS];
};
#define NO_ARGUMENT (-1)  /* a path without a directory argument starts from the working directory */
#define NOT_A_PATH (-2) /* a string that is no path */
#define NO_FD (-2) /* the call is about no descriptor; RESULT: about the one that it creates */
#define RESULT (-1)
#define POINTED 127 /* size of a block: the u32 where the next argument points */

#define BLOCK_MAX 128 /* bytes of a block that is no string, at most */

/* Append a block of memory that an argument points to; `size` as in MemoryBlock of core/abi/spec.py. */
SUBPROGRAM(append_block)(struct scratch *s, const struct syscall_ctx *sys, volatile u64 *args, s64 argument, s64 size) {
  u64 from = args[argument & 7], next = args[(argument + 1) & 7], length = size;
  if (argument < 0 || !from) return 0;
  if (size == 0) return append_arg_str(s, sys, from);
  if (size < 0) {
    length = (u32)next * (u64)-size;
  } else if (size == POINTED) {
    u32 pointed = 0;
    read_arg(sys, &pointed, sizeof(pointed), next);
    length = pointed;
  }
  return append_arg(s, sys, from, length > BLOCK_MAX ? BLOCK_MAX : length);
}
inlined u16 append_block(struct scratch *s, const struct syscall_ctx *sys, volatile u64 *args, s32 argument, s32 size) {
  return CALL_SUBPROGRAM(append_block)(s, sys, args, argument, size);
}

inlined void clear_strs(volatile struct call *e) {
  e->text[0] = e->text[1] = e->text[2] = e->base[0] = e->base[1] = e->base_marks[0] = e->base_marks[1] = e->data = 0;
}
