/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Registers of a call on arm64, as its entry saved them (arch/arm64/include/asm/ptrace.h). x0 has the result at the exit:
   what it had before is in orig_x0. */
#pragma once

#define CALL_NUMBER(regs) ((u32)(regs)->syscallno)
#define INSTRUCTION(regs) ((regs)->pc)
#define READ_NATIVE_ARGS(to, regs)                                                         \
  do {                                                                                     \
    (to)[0] = (regs)->orig_x0; (to)[1] = (regs)->regs[1]; (to)[2] = (regs)->regs[2];       \
    (to)[3] = (regs)->regs[3]; (to)[4] = (regs)->regs[4]; (to)[5] = (regs)->regs[5];       \
  } while (0)
#define READ_COMPAT_ARGS(to, regs)                                                                        \
  do {                                                                                                    \
    (to)[0] = (u32)(regs)->orig_x0; (to)[1] = (u32)(regs)->regs[1]; (to)[2] = (u32)(regs)->regs[2];       \
    (to)[3] = (u32)(regs)->regs[3]; (to)[4] = (u32)(regs)->regs[4]; (to)[5] = (u32)(regs)->regs[5];       \
  } while (0)

#define TIF_32BIT (1 << 22)
/* The task is an AArch32 one, and so are all its calls. */
#define IS_COMPAT(task) ((task)->thread_info.flags & TIF_32BIT)

/* Map MOZU_NUMBERS: the number of x86-64, by which mozu knows a call, for one of this machine; -1: mozu does not know it. */
inlined s32 mozu_number(u32 number) {
  s16 *known = LOOKUP(MOZU_NUMBERS, &number);
  return known ? *known : -1;
}
