/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The kernel filter of a call runs before its program, discards events that no rule can match, and else goes on with a
   tail call. Its instructions are made from the predicate without a compiler; here is what they cannot read themselves.
   Whether an openat is discarded is decided in plugins/sources/ebpf/kernel_filter: choice.py `choose` gives it a filter,
   filter_program.py `open_program` makes the program, opens.py `of_open` its tests of path and flags. count_filtered
   counts it.

   A path is tested as `fd.name` has it: absolute, joined to the directory that a relative one starts from. Only a plain
   path is tested, one without `.`, `..`, doubled or trailing slashes, which needs no resolution; any other passes. The
   path that an open reached (`fd.realpath`) mostly is that same text, which is seen by comparing it with the names of the
   dentries; only where it is another, it is written out, and tested as well. */
#pragma once
#include "syscall_ctx.h"
#include "sock_info.h"
#include "ends.h"
#include "open_args.h"
#include "opened_path.h"
#include "process_verdicts.h"

#define MAX_FILTERED_PATH MAX_OPENED_PATH /* a longer path passes */

/* Verdicts of the task that called last on this CPU. `execs` (task->self_exec_id) differs after an exec, `born`
   (task->start_boottime) for a later task with the same pid, `moves` (CGROUP_MOVES) after any process was moved to another
   cgroup. */
struct caller { u64 task, born, execs, moves; struct verdicts verdicts; };

/* A plain path and what is tested of it. */
struct tested_path {
  u64 slash;            /* offset of the last slash of the path */
  u64 climbs;           /* "../" occurs in it */
  u64 hidden;           /* "/." occurs in it */
  u64 last, last_word;  /* bits of the last word with slashes, and its index */
  u64 file[4];          /* the first bytes after the last slash */
  u64 dentry;           /* a struct opened_path begins here */
  u64 length;
  u64 raw;              /* of the path as given; less than 2^8, so that the last bytes before the path are 0 */
  union { u64 word[MAX_FILTERED_PATH / 8]; char bytes[2 * MAX_FILTERED_PATH + 64]; };
};
_Static_assert(__builtin_offsetof(struct tested_path, word) - __builtin_offsetof(struct tested_path, dentry) ==
               __builtin_offsetof(struct opened_path, word), "opened_path");

/* What the programs of kill rules test beside the call and the path, by kill_part_* (kernel_kill.h). */
struct kill_facts {
  u32 family, protocol, port;  /* of a socket; port and address: of what it is connected to */
  u32 address[4];
  u32 executable;              /* marks of the program that an exec has started */
};

struct filter_scratch {
  struct caller caller;
  struct open_args open;
  struct sock_info sock;
  u64 sock_fd, sock_is_socket, sock_wants_protocol; /* arguments of lookup_sock */
  u64 kill_rule;             /* argument of kill_caller: the number of the rule */
  u64 kill_fd, kill_wants_peer; /* arguments of kill_part_socket */
  struct kill_facts facts;
  struct end client, server; /* of a socket that connects, by part_ends */
  u64 left;                  /* bytes of the path that is_reached_as_given has not compared yet */
  u64 file;                  /* struct file that an open gave; 0: it was not looked at yet */
  struct tested_path given;  /* to the call, made absolute */
  struct tested_path real;   /* that an open reached, where it is another */
};
_Static_assert(sizeof(struct filter_scratch) == FILTER_SCRATCH_SIZE, "filter_scratch");

/* What an open was asked for; of the file that it gave nothing is known yet. */
inlined void take_open_args(struct filter_scratch *g, const struct syscall_ctx *sys) {
  parse_open_args(&g->open, sys);
  g->file = 0;
}

/* The process predicates that may hold of the calling process, a bit each: by PROC_VERDICTS, else by its name
   (PROC_COMM_VERDICTS), else all of them. */
inlined u64 process_bits(const struct syscall_ctx *sys, struct filter_scratch *g) {
  u32 pid = sys->task >> 32, zero = 0;
  u64 *generation = LOOKUP(GENERATION, &zero), *moved = LOOKUP(CGROUP_MOVES, &zero);
  struct task_struct *task = bpf_get_current_task_btf();
  if (!generation || !moved) return ~0ull;
  struct caller *last = &g->caller;
  u64 born = task->start_boottime, execs = task->self_exec_id, moves = *(volatile u64 *)moved;
  bool is_current = sys->entry_path < ENTRY_URING; /* a request completes wherever the kernel comes to it */
  if (is_current && last->task == sys->task && last->born == born && last->execs == execs &&
      last->moves == moves && last->verdicts.generation == *generation)
    return last->verdicts.bits;
  struct verdicts *known = LOOKUP(PROC_VERDICTS, &pid);
  if (known && known->generation == *generation) {
    if (is_current) *last = (struct caller){sys->task, born, execs, moves, *known};
    return known->bits;
  }
  struct verdicts *named = LOOKUP(PROC_COMM_VERDICTS, &pid);
  return named && named->generation == *generation ? named->bits : ~0ull;
}

/* The event is discarded, and counted as filtered. Keys, of which maps read 4 bytes, have 8: to the verifier a slot of the stack
   that is written in part is still in use before, and states that differ in it are followed one by one, through all tests. */
inlined int count_filtered(const struct syscall_ctx *sys) {
  u64 zero = 0, number = (u32)sys->number;
  struct counts *counts = LOOKUP(COUNTS, &number);
  struct settings *settings = LOOKUP(SETTINGS, &zero);
  if (!counts || !settings || settings->off) return 0;
  counts->seen += 1;
  counts->filtered += 1;
  return 0;
}

#define EACH(byte) (0x0101010101010101ull * (byte))
/* The highest bit of every byte that is zero. */
#define ZEROES(x) (~((((x) & EACH(0x7f)) + EACH(0x7f)) | (x) | EACH(0x7f)))
/* The same bits, those of the byte `n` places earlier. */
#define EARLIER(bits, before, n) ((bits) << 8 * (n) | (before) >> (64 - 8 * (n)))

/* Find slashes; false: the path is not plain. What the loop changes lies in the map, see record.h. */
inlined bool is_plain(struct tested_path *g) {
  u64 slashes = 0, dots = 0, rough = 0, climbs = 0, hidden = 0;
  *(volatile u64 *)&g->last = 0;
  *(volatile u64 *)&g->last_word = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < MAX_FILTERED_PATH / 8; i++) {
    u64 word = g->word[i], end = ZEROES(word);
    end &= -end;
    u64 kept = end - 1, slash = ZEROES(word ^ EACH('/')) & kept, dot = ZEROES(word ^ EACH('.')) & kept;
    u64 slash1 = EARLIER(slash, slashes, 1), slash2 = EARLIER(slash, slashes, 2);
    u64 dot1 = EARLIER(dot, dots, 1), dot2 = EARLIER(dot, dots, 2);
    rough |= (slash1 & (slash | end)) | (slash2 & dot1 & (slash | dot | end));
    climbs |= dot2 & dot1 & slash;
    hidden |= slash1 & dot;
    if (slash) {
      *(volatile u64 *)&g->last = slash;
      *(volatile u64 *)&g->last_word = i;
    }
    slashes = slash;
    dots = dot;
    if (end) break;
  }
  u64 last = *(volatile u64 *)&g->last, at = *(volatile u64 *)&g->last_word * 8;
  if (last >> 32) { at += 4; last >>= 32; }
  if (last >> 16) { at += 2; last >>= 16; }
  if (last >> 8) at += 1;
  *(volatile u64 *)&g->slash = at;
  *(volatile u64 *)&g->climbs = climbs;
  *(volatile u64 *)&g->hidden = hidden;
  at += 1;
  barrier_var(at);
  const char *file = g->bytes + (at & (MAX_FILTERED_PATH - 1));
  for (u32 i = 0; i < 4; i++) g->file[i] = *(u64 *)(file + i * 8);
  return !rough;
}

inlined s64 read_path(struct tested_path *g, const struct syscall_ctx *sys, u64 user, u64 at) {
  return arg_space(sys, user) == USER ? read_user_str(g->bytes + at, MAX_FILTERED_PATH, (void *)user)
                                      : read_kernel_str(g->bytes + at, MAX_FILTERED_PATH, (void *)user);
}

/* The name of what a path leads to, seen from a directory. False: it has to be looked at in user space. */
inlined bool name_of(struct tested_path *g, const struct syscall_ctx *sys, s32 dirfd, u64 user) {
  u32 slot = SLOT_CALL;
  s64 n = read_path(g, sys, user, 0);
  u64 at = n - 1;
  if (n < 2) return false;
  *(volatile u64 *)&g->raw = at;
  if (g->bytes[0] != '/') {
    struct scratch *s = LOOKUP(SCRATCH, &slot);
    struct task_struct *task = current_task();
    struct path root = {}, base = {};
    if (!s) return false;
    task_root(task, &root);
    dirfd_path(task, dirfd, &base);
    if (!base.dentry || walk_path(s, base.mnt, base.dentry, &root) & ~MARK_OUTSIDE) return false;
    u64 from = *(volatile u32 *)&s->path_at;
    barrier_var(from);
    if (from > MAX_STR) return false;
    u64 length = MAX_STR - from;
    if (length >= MAX_FILTERED_PATH - 1) return false;
    barrier_var(length);
    read_kernel(g->bytes, length & (MAX_FILTERED_PATH - 1), s->path + (from & (2 * MAX_STR - 1)));
    g->bytes[length & (MAX_FILTERED_PATH - 1)] = '/';
    at = length + 1;
    barrier_var(at);
    at &= MAX_FILTERED_PATH - 1;
    n = read_path(g, sys, user, at);
    if (n < 2) return false;
    at += n - 1;
  }
  if (at >= MAX_FILTERED_PATH - 1) return false;
  *(volatile u64 *)&g->length = at;
  return is_plain(g);
}

/* Neighbouring members of struct dentry. A name of up to 31 bytes lies in the dentry itself, in `word`. */
struct named { struct dentry *parent; struct qstr name; struct inode *inode; u64 word[4]; };
_Static_assert(__builtin_offsetof(struct dentry, d_parent) + __builtin_offsetof(struct named, word) ==
               __builtin_offsetof(struct dentry, d_iname), "dentry");
#define SHORT_NAME (sizeof(((struct named *)0)->word) - 1)

/* Whether the last part of what is left of the given path is this name; it is left then. False for a long name, too. */
inlined bool ends_in_name(struct filter_scratch *g, const struct named *dentry) {
  u64 left = *(volatile u64 *)&g->left, length = dentry->name.len;
  if (length > SHORT_NAME || length + 1 > left) return false;
  left -= length;
  barrier_var(left);
  const char *part = g->given.bytes + (left & (MAX_FILTERED_PATH - 1));
  *(volatile u64 *)&g->left = left - 1;
  if (g->given.bytes[(left - 1) & (MAX_FILTERED_PATH - 1)] != '/') return false;
#pragma clang loop unroll(full)
  for (u32 i = 0; i < 4; i++) {
    u64 differs = *(const u64 *)(part + i * 8) ^ dentry->word[i];
    if (length < i * 8 + 8) return !(differs & ((1ull << (length & 7) * 8) - 1));
    if (differs) return false;
  }
  return false;
}

/* Whether the real path of a file (walk_real_path) is the path that was given. False where names are long, and of files that
   rules name. */
inlined bool is_reached_as_given(struct filter_scratch *g, struct scratch *s, struct path *path, struct path *root) {
  volatile struct walk_state *at = &s->walk;
  if (named_file(path)) return false;
  at->end = real_root(s, path, root);
  at->mount = (void *)path->mnt - __builtin_offsetof(struct mount, mnt);
  at->dentry = path->dentry;
  at->top = 0;
  if (!at->end) READ(at->top, TYPED(vfsmount, path->mnt)->mnt_root);
  *(volatile u64 *)&g->left = *(volatile u64 *)&g->given.length;
  COUNTED(i, s->round, DEPTH) {
    struct mount *mount = at->mount;
    struct dentry *dentry = at->dentry;
    if (at->top) {
      if (dentry == root->dentry && &mount->mnt == root->mnt) return !*(volatile u64 *)&g->left;
      if (dentry == at->top) {
        VIEW(above, above, TYPED(mount, mount)->mnt_parent);
        struct mount *parent = above->parent;
        if (parent == mount || !parent) return !*(volatile u64 *)&g->left;
        at->dentry = above->point;
        at->mount = parent;
        READ(at->top, TYPED(mount, parent)->mnt.mnt_root);
        continue;
      }
    } else if (dentry == at->end) return !*(volatile u64 *)&g->left;
    VIEW(named, named, TYPED(dentry, dentry)->d_parent);
    struct dentry *parent = named->parent;
    if (parent == dentry) return false;
    if (!ends_in_name(g, named)) return false;
    at->dentry = parent;
  }
  return false;
}

enum reached { REACHED_AS_GIVEN, REACHED_OTHERWISE, REACHED_UNKNOWN };

/* Test the path that a walk has written into s->path. */
inlined u64 take_walked(struct tested_path *real, struct scratch *s) {
  u64 from = *(volatile u32 *)&s->path_at;
  barrier_var(from);
  if (from >= MAX_STR) return REACHED_UNKNOWN; /* a root */
  u64 length = MAX_STR - from;
  if (length >= MAX_FILTERED_PATH - 1) return REACHED_UNKNOWN;
  barrier_var(length);
  length &= MAX_FILTERED_PATH - 1;
  read_kernel(real->bytes, length, s->path + (from & (2 * MAX_STR - 1)));
  real->bytes[length] = 0;
  *(volatile u64 *)&real->length = length;
  return is_plain(real) ? REACHED_OTHERWISE : REACHED_UNKNOWN;
}

/* What fd.realpath is of an open: the given path, another one, which lies in `real` then, or one that has to be looked at in
   user space. A failed open reaches nothing: an empty path, of which no test holds. `compares`: whether there is a given path to
   compare; else it is always taken for another one. */
inlined u64 reached_by(struct filter_scratch *g, const struct syscall_ctx *sys, bool compares) {
  u32 slot = SLOT_CALL;
  struct scratch *s = LOOKUP(SCRATCH, &slot);
  struct task_struct *task = current_task();
  struct path root = {}, path = {};
  struct tested_path *real = &g->real;
  if (!s) return REACHED_UNKNOWN;
  if (sys->result < 0) {
    real->word[0] = 0;
    *(volatile u64 *)&real->length = 0;
    return is_plain(real) ? REACHED_OTHERWISE : REACHED_UNKNOWN;
  }
  struct file *file = fd_file(task, sys->result);
  if (!file) return REACHED_UNKNOWN;
  g->file = (u64)file;
  READ(path, file->f_path);
  if (!path.dentry) return REACHED_UNKNOWN;
  READ(root, task->fs->root); /* not task_root, which is a call of a helper */
  if (compares && is_reached_as_given(g, s, &path, &root)) return REACHED_AS_GIVEN;
  if (walk_real_path(s, &path, &root) & ~MARK_OUTSIDE) return REACHED_UNKNOWN;
  return take_walked(real, s);
}

inlined bool is_directory(struct file *file) {
  struct inode *inode = 0;
  u16 mode = 0;
  READ(inode, file->f_inode);
  READ(mode, inode->i_mode);
  return (mode & S_IFMT) == S_IFDIR;
}

/* Whether the kernel's path (d_path) of the opened file differs from the path that the open was given. `g` must hold
   that. */
inlined bool path_differs(struct filter_scratch *g, struct file *file) {
  u32 slot = SLOT_CALL;
  struct scratch *s = LOOKUP(SCRATCH, &slot);
  struct path root = {}, path = {};
  READ(path, file->f_path);
  if (!s || !path.dentry) return true;
  task_root(current_task(), &root);
  if (walk_path(s, path.mnt, path.dentry, &root) & ~MARK_OUTSIDE) return true;
  u64 from = *(volatile u32 *)&s->path_at, length = *(volatile u64 *)&g->given.length;
  barrier_var(from);
  if (from >= MAX_STR || MAX_STR - from != length) return true;
  from &= MAX_STR - 1;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < MAX_FILTERED_PATH / 8; i++) {
    u64 theirs = *(u64 *)(s->path + from + i * 8), ours = g->given.word[i];
    if (i * 8 + 8 > length) { /* the last bytes of both */
      u64 kept = (1ull << (length & 7) * 8) - 1;
      return (theirs & kept) != (ours & kept);
    }
    if (theirs != ours) return true;
  }
  return true;
}

/* The file that an open gave; its address lies in g->file then. */
inlined struct file *opened_file(struct filter_scratch *g, const struct syscall_ctx *sys) {
  volatile u64 *at = &g->file;
  if (!*at) *at = (u64)fd_file(current_task(), sys->result);
  return TYPED(file, *at);
}

/* Whether an open that no rule matches must be emitted all the same, since later events on the descriptor would show
   another path, or another type: a directory is one where the open asked for that (O_DIRECTORY), else a file. */
inlined bool must_emit_differing(struct filter_scratch *g, const struct syscall_ctx *sys, const struct open_args *open) {
  if (sys->result < 0) return false;
  struct file *file = opened_file(g, sys);
  if (!file || (is_directory(file) && !(open->flags & O_DIRECTORY))) return true;
  return path_differs(g, file);
}

/* The same where those events show the path of the open: the kernel's path decides only where no map can keep it. */
inlined bool must_emit_path(struct filter_scratch *g, const struct syscall_ctx *sys, const struct open_args *open) {
  struct dentry *dentry = 0;
  if (sys->result < 0) return false;
  struct file *file = opened_file(g, sys);
  if (!file) return true;
  bool directory = is_directory(file), as_file = directory && !(open->flags & O_DIRECTORY);
  READ(dentry, file->f_path.dentry);
  g->given.dentry = (u64)dentry;
  if (as_file) g->given.raw |= OPENED_AS_FILE;
  if (!dentry || !store_opened_path(g->file, (struct opened_path *)&g->given.dentry)) return as_file || path_differs(g, file);
  /* Relative paths start from directories, and programs that append those look up no kept path. */
  return directory && path_differs(g, file);
}
