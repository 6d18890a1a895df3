/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Registers of a call on x86-64, as its entry saved them. */
#pragma once

#define CALL_NUMBER(regs) ((regs)->orig_ax)
#define INSTRUCTION(regs) ((regs)->ip)
#define READ_NATIVE_ARGS(to, regs)                                          \
  do {                                                                      \
    (to)[0] = (regs)->di;  (to)[1] = (regs)->si; (to)[2] = (regs)->dx;      \
    (to)[3] = (regs)->r10; (to)[4] = (regs)->r8; (to)[5] = (regs)->r9;      \
  } while (0)
#define READ_COMPAT_ARGS(to, regs)                                                         \
  do {                                                                                     \
    (to)[0] = (u32)(regs)->bx; (to)[1] = (u32)(regs)->cx; (to)[2] = (u32)(regs)->dx;       \
    (to)[3] = (u32)(regs)->si; (to)[4] = (u32)(regs)->di; (to)[5] = (u32)(regs)->bp;       \
  } while (0)

#define TS_COMPAT 2
/* The current call is a 32-bit one. */
#define IS_COMPAT(task) ((task)->thread_info.status & TS_COMPAT)

/* Calls have the numbers of this machine everywhere. */
inlined s32 mozu_number(u32 number) { return number; }
