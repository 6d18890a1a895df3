/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Calls with one to three texts, paths mostly. CALLS tells which arguments they are and where relative ones start. */
#include "call.h"
#include "file.h"

inlined u16 append_base(struct scratch *s, const struct made *made, struct task_struct *task, u64 text, s32 dirfd, u16 *marks) {
  struct path root = {}, path = {};
  char first = '/';
  read_given(made, &first, 1, text);
  if (first == '/') return 0;
  root_of(task, &root);
  base_of(task, dirfd, &path);
  return append_path(s, &path, &root, marks);
}

inlined int path_exit(const struct made *made) {
  s32 number = made->number;
  struct scratch *s = begin_call(made, sizeof(struct call));
  struct shape *shape = LOOKUP(CALLS, &number);
  if (!s || !shape) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  volatile struct call *e = (void *)s->record;
  COPY_ARGUMENTS(e->args, made->args);
  no_texts(e);
  u64 first = e->args[shape->text & 7], second = e->args[shape->text2 & 7];
  u16 marks = 0;
  if (!first) mark(s, MARK_NULL);
  e->text[0] = append_given_text(s, made, first);
  if (shape->text2 >= 0) {
    if (!second) mark(s, MARK_NULL2);
    e->text[1] = append_given_text(s, made, second);
  }
  if (shape->text3 >= 0) {
    u64 third = e->args[shape->text3 & 7];
    if (!third) mark(s, MARK_NULL3);
    e->text[2] = append_given_text(s, made, third);
  }
  if (shape->dir != PLAIN) {
    s32 dirfd = shape->dir < 0 ? AT_FDCWD : e->args[shape->dir & 7];
    e->base[0] = append_base(s, made, task, first, dirfd, &marks);
    e->base_marks[0] = marks;
  }
  if (shape->text2 >= 0 && shape->dir2 != PLAIN) {
    s32 dirfd = shape->dir2 < 0 ? AT_FDCWD : e->args[shape->dir2 & 7];
    e->base[1] = append_base(s, made, task, second, dirfd, &marks);
    e->base_marks[1] = marks;
  }
  if (shape->data >= 0) {
    u64 from = e->args[shape->data & 7], length = e->args[(shape->data + 1) & 7];
    e->data = append_given(s, made, from, length > DATA_MAX ? DATA_MAX : length);
  }
  return send(s);
}
