/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The subprograms, each in the header of its subject. */
#include "opened_path.h"
#include "path.h"
#include "sock.h"
#include "syscall_ctx.h"
#include "task.h"
#include "trust.h"
