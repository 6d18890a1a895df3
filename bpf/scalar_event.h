/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What is no call and consists of a few numbers: signals, switches, faults. They come in the middle of other things (a
   fault while another program reads memory), so a record of theirs is made on the stack and in no scratch. */
#pragma once
#include "record.h"

inlined int emit_scalar_event(u64 task, u32 type, const u64 args[6]) {
  struct call record = {};
  fill_header(&record.head, task, type, 0);
  for (int i = 0; i < 6; i++) record.args[i] = args[i];
  return output_record(&record, sizeof(record), type);
}
