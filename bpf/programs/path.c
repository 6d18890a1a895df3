/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls with one to three texts, paths mostly. CALLS tells which arguments they are and where relative ones start. */
#include "call.h"
#include "file.h"

inlined u16 append_base(struct scratch *s, struct task_struct *task, u64 text, s32 dirfd, u16 *marks) {
  struct path root = {}, path = {};
  char first = '/';
  bpf_probe_read_user(&first, 1, (void *)text);
  if (first == '/') return 0;
  root_of(task, &root);
  base_of(task, dirfd, &path);
  return append_path(s, &path, &root, marks);
}

inlined int path_exit(struct point *ctx) {
  s32 number = ctx->number;
  struct scratch *s = begin(number, SLOT_CALL, sizeof(struct call), ctx->result);
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct pt_regs *regs = registers(task);
  volatile struct call *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, regs);
  no_texts(e);
  u64 first = e->args[shape->text & 7], second = e->args[shape->text2 & 7];
  u16 marks = 0;
  if (!first) mark(s, MARK_NULL);
  e->text[0] = append_text(s, USER, (void *)first);
  if (shape->text2 >= 0) {
    if (!second) mark(s, MARK_NULL2);
    e->text[1] = append_text(s, USER, (void *)second);
  }
  if (shape->text3 >= 0) {
    u64 third = e->args[shape->text3 & 7];
    if (!third) mark(s, MARK_NULL3);
    e->text[2] = append_text(s, USER, (void *)third);
  }
  if (shape->dir != PLAIN) {
    s32 dirfd = shape->dir < 0 ? AT_FDCWD : e->args[shape->dir & 7];
    e->base[0] = append_base(s, task, first, dirfd, &marks);
    e->base_marks[0] = marks;
  }
  if (shape->text2 >= 0 && shape->dir2 != PLAIN) {
    s32 dirfd = shape->dir2 < 0 ? AT_FDCWD : e->args[shape->dir2 & 7];
    e->base[1] = append_base(s, task, second, dirfd, &marks);
    e->base_marks[1] = marks;
  }
  if (shape->data >= 0) {
    u64 from = e->args[shape->data & 7], length = e->args[(shape->data + 1) & 7];
    e->data = append(s, USER, (void *)from, length > DATA_MAX ? DATA_MAX : length);
  }
  return send(s);
}
