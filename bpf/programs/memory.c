/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls whose arguments lie in memory. Which pieces of it, CALLS tells. */
#include "call.h"

inlined int memory_exit(const struct made *made) {
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct call));
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  volatile struct call *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  no_texts(e);
  e->text[0] = append_block(s, made, e->args, shape->block[0], shape->size[0]);
  e->text[1] = append_block(s, made, e->args, shape->block[1], shape->size[1]);
  e->text[2] = append_block(s, made, e->args, shape->block[2], shape->size[2]);
  return send(s);
}
