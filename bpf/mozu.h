/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The wire format: what the programs write into the ring and plugins/sources/ebpf/decode reads.
   This file is the one definition. wire.py parses it, so keep to plain members: fixed-width integers, arrays of them, and
   structs defined above. Members lie at their natural alignment without holes; both sides check offsets and sizes.
   A record is one of the structs that begin with `struct header`, followed by its texts without terminators, in the order
   in which their lengths stand in the struct. */
#pragma once

enum { TYPE_FORK = 1000, TYPE_EXIT = 1001, TYPE_SIGNAL = 1002, TYPE_SWITCH = 1003, TYPE_FAULT = 1004, TYPES = 1005 };

enum mark {
  MARK_DELETED = 1,      /* the file has no name any more */
  MARK_PSEUDO = 2,       /* in no directory tree: pipe, socket, memfd, anonymous inode */
  MARK_OUTSIDE = 4,      /* reached from outside the process's root */
  MARK_CUT = 8,          /* too deep or too long: the end of the path is kept */
  MARK_OVERLAY = 16,     /* on an overlay file system */
  MARK_UPPER = 32,       /* ... in its writable layer */
  MARK_WRITABLE = 64,    /* the process may write its own executable */
  MARK_ARGS_CUT = 128,   /* not all arguments are here */
  MARK_TEXT_CUT = 256,   /* a text found no room */
  MARK_CREATED = 512,    /* this call made the file */
  MARK_MEMFD = 1024,
  MARK_NULL = 2048,      /* the first text was a null pointer */
  MARK_NULL2 = 4096,     /* so was the second */
  MARK_NULL3 = 32768,    /* and the third */
  MARK_SOCKET = 8192,    /* the descriptor is a socket */
  MARK_PIDNS = 16384,    /* in a pid namespace other than the first */
};

enum entry_path { ENTRY_NATIVE = 0, ENTRY_COMPAT = 1, ENTRY_URING = 2 }; /* into the kernel: own calls, 32-bit ones, io_uring */

struct header {
  u64 time;              /* boot clock, ns */
  u64 cgroup;            /* id in the unified hierarchy */
  s64 result;
  u32 pid, tid;          /* as the first pid namespace numbers them */
  u16 type;              /* number of the call, or TYPE_* */
  u16 cpu;
  u16 marks;
  u16 entry_path;               /* enum way */
};

struct file_attrs {
  u64 ino;
  u32 dev, magic, mode, uid;
};

struct endpoints {            /* of a socket; zero for everything else */
  u64 own, peer;         /* kernel addresses, unix sockets only */
  u8 local[16], remote[16];
  u16 family, type, protocol, local_port, remote_port, state;
  u16 local_name, remote_name; /* lengths of the bound names of both ends of a unix socket */
};

struct open {
  struct header head;
  struct file_attrs file;
  u64 flags, resolve;
  u32 mode;
  s32 dirfd;
  u16 user, base, real;  /* texts: as given, directory that a relative one starts from, file that was reached */
  u16 base_marks;
};

struct call {            /* any call of numbers and up to three texts; numbers of what is no call (moment.h) */
  struct header head;
  u64 args[8];           /* six, and room that a masked index may reach */
  u16 text[3], base[2];  /* texts: those that were given (or blocks), directories of the first and of the second */
  u16 base_marks[2];
  u16 data;              /* text: bytes handed over */
};

struct descriptor {      /* any call on a descriptor */
  struct header head;
  u64 args[8];           /* [6] and [7]: length and limit of an accept queue; sizes of the process; [6]: bytes of all parts */
  struct file_attrs file;
  struct endpoints endpoints;
  u32 fd, flags;
  u16 address, data;     /* texts, after the names in `ends`: socket address as given, bytes or text handed over */
  u16 path, opened_path, block[3]; /* texts: the file's path; as its open called it, where that is kept; what arguments point to */
  u16 raw;               /* so many bytes at the end of `given` the open was given */
};

struct process {         /* exec, clone */
  struct header head;
  struct file_attrs file;
  u64 start, pidns_start, effective, permitted, inheritable, major_faults, minor_faults, fdlimit, flags;
  s64 change_time, modify_time; /* of the executable, ns since the epoch */
  u64 vm_pages, rss_pages, swap_pages;
  u64 args_length;       /* before cutting */
  u64 stack;             /* where the image's begins: drawn anew at each exec */
  u32 parent, pgid, vpgid, vsid, vpid, vtid, tty, loginuid;
  u32 uid, gid, ruid, suid, rgid, sgid;
  u32 old_tid, spare;
  u8 comm[16];
  u16 exe, args, cwd, group, unified, name, environment; /* texts */
  u16 exe_marks;
};

struct fork {
  struct header head;
  u64 start, pidns_start;
  u32 child_tid, child_pid, child_vtid, child_vpid, parent, shares_files;
};

struct exit {
  struct header head;
  u32 status, reaper;
};
