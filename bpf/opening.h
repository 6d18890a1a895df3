/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What an open was asked for, however it was called. */
#pragma once
#include "call.h"
#include "file.h"

#define O_CREAT_WRONLY_TRUNC 01101

struct asked { u64 user, flags, mode, resolve; s32 dirfd; };

inlined void what_open_asks(struct asked *asked, const struct made *made) {
  s32 number = made->number;
  u64 how[3] = {};
  asked->dirfd = AT_FDCWD;
  if (number == NR_open) {
    asked->user = made->args[0]; how[0] = made->args[1]; how[1] = made->args[2];
  } else if (number == NR_creat) {
    asked->user = made->args[0]; how[0] = O_CREAT_WRONLY_TRUNC; how[1] = made->args[1];
  } else {
    asked->dirfd = made->args[0]; asked->user = made->args[1];
    if (number == NR_openat2) read_given(made, how, sizeof(how), made->args[2]);
    else { how[0] = made->args[2]; how[1] = made->args[3]; }
  }
  asked->flags = how[0]; asked->mode = how[1]; asked->resolve = how[2];
}
