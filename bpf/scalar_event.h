/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Events that are no system calls and hold numbers only: signal_deliver, sched_switch, page_fault_*. They
   interrupt other programs (a fault while one reads user memory), so their record is built on the stack and not in
   SCRATCH. */
#pragma once
#include "record.h"

inlined int emit_scalar_event(u64 task, u32 type, const u64 args[6]) {
  struct call record = {};
  fill_header(&record.head, task, type, 0);
  for (int i = 0; i < 6; i++) record.args[i] = args[i];
  return output_record(&record.head, sizeof(record), type, SHARE_COMMON);
}
