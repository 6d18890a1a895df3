/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Path, flags and mode of open, openat, openat2 and creat, wherever each has them. */
#pragma once
#include "syscall_ctx.h"
#include "file.h"

#define O_CREAT_WRONLY_TRUNC 01101

struct open_args { u64 user, flags, mode, resolve; s32 dirfd; }; /* user: address of the path */

inlined void parse_open_args(struct open_args *open, const struct syscall_ctx *sys) {
  s32 number = sys->number;
  u64 how[3] = {};
  open->dirfd = AT_FDCWD;
  if (number == NR_open) {
    open->user = sys->args[0]; how[0] = sys->args[1]; how[1] = sys->args[2];
  } else if (number == NR_creat) {
    open->user = sys->args[0]; how[0] = O_CREAT_WRONLY_TRUNC; how[1] = sys->args[1];
  } else {
    open->dirfd = sys->args[0]; open->user = sys->args[1];
    if (number == NR_openat2) read_arg(sys, how, sizeof(how), sys->args[2]);
    else { how[0] = sys->args[2]; how[1] = sys->args[3]; }
  }
  open->flags = how[0]; open->mode = how[1]; open->resolve = how[2];
}
