/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The wire format: records that the programs write into the ring buffer and plugins/sources/ebpf/decode reads.
   This file is the one definition. wire.py parses it, so keep to plain members: fixed-width integers, arrays of
   them, and structs defined above. Members have their natural alignment without holes; both sides check offsets
   and sizes. A record is one of the structs that begin with `struct header`, followed by its strings without NUL,
   in the order of their lengths in the struct. */
#pragma once

enum { TYPE_FORK = 1000, TYPE_EXIT = 1001, TYPE_SIGNAL = 1002, TYPE_SWITCH = 1003, TYPE_FAULT = 1004,
       TYPE_CGROUP = 1005, NUMBERS_END = 1006 }; /* events that are no system calls; those have the number of their call */

enum mark {
  MARK_DELETED = 1,      /* the file is unlinked */
  MARK_PSEUDO = 2,       /* in no directory tree: pipe, socket, memfd, anonymous inode */
  MARK_OUTSIDE = 4,      /* reached from outside the process's root */
  MARK_CUT = 8,          /* path too deep or too long: its end is here */
  MARK_OVERLAY = 16,     /* on an overlay file system */
  MARK_UPPER = 32,       /* ... in its upper layer */
  MARK_WRITABLE = 64,    /* the process may write its own executable */
  MARK_ARGS_CUT = 128,   /* argv was truncated */
  MARK_TEXT_CUT = 256,   /* no room for a string */
  MARK_CREATED = 512,    /* this call created the file (FMODE_CREATED) */
  MARK_MEMFD = 1024,
  MARK_NULL = 2048,      /* the first string was a null pointer */
  MARK_NULL2 = 4096,     /* so was the second */
  MARK_NULL3 = 32768,    /* and the third */
  MARK_SOCKET = 8192,    /* the descriptor is a socket */
  MARK_PIDNS = 16384,    /* in another pid namespace than the initial one */
};

/* 64-bit, 32-bit call, io_uring; io_uring at the submission, success assumed. */
enum entry_path { ENTRY_NATIVE = 0, ENTRY_COMPAT = 1, ENTRY_URING = 2, ENTRY_SUBMITTED = 3 };
#define HAS_HASH 0x100 /* in `entry_path`: the last 8 bytes of the record are its caller or its key (verdict_memory.h) */
#define IS_CALLER 1 /* in these: the caller */
#define ACT_KILLED 0x200 /* the same: the caller was sent SIGKILL before the call returned (kernel_kill.h) */
#define ACT_WOULD 0x400 /* ... or would have been: dry run */
#define ACTS 0x600

struct header {          /* up to `cpu` what no two records have in common, behind it what rules and state see of the call */
  u64 time;              /* boot clock, ns */
  u64 cgroup;            /* bpf_get_current_cgroup_id(): cgroup v2 */
  u32 pid, tid;          /* in the initial pid namespace */
  u16 cpu;
  u16 type;              /* number of the native call, or TYPE_* */
  u16 marks;
  u16 entry_path;        /* enum entry_path */
  s64 result;
};

struct file_attrs {
  u64 ino;
  u32 dev, magic, mode, uid;
};

struct endpoints {       /* of a socket; zero for everything else */
  u64 own, peer;         /* addresses of struct sock, unix sockets only */
  u8 local[16], remote[16];
  u16 family, type, protocol, local_port, remote_port, state;
  u16 local_name, remote_name; /* strings: sun_path of a unix socket and of its peer */
};

struct open {
  struct header head;
  struct file_attrs file;
  u64 flags, resolve;
  u32 mode;
  s32 dirfd;
  u16 user, base, real;  /* strings: path as given, directory that a relative one starts from, path reached */
  u16 base_marks;
};

struct call {            /* a call with numbers and up to three strings; a scalar event */
  struct header head;
  u64 args[8];           /* six, and two that a masked index may reach */
  u16 text[3], base[2];  /* strings: arguments (or blocks), directories that the first and the second start from */
  u16 base_marks[2];
  u16 data;              /* string: bytes of the payload */
};

#define OPENED_AS_FILE 0x8000 /* beside a length in `raw`: a directory that was opened without O_DIRECTORY */

struct descriptor {      /* a call on a descriptor */
  struct header head;
  u64 args[8];           /* [6], [7]: accept queue (length, limit) or memory sizes; [6]: bytes of all iovecs */
  struct file_attrs file;
  struct endpoints endpoints;
  u32 fd, flags;
  u16 address, data;     /* strings, after the names in `endpoints`: sockaddr as given, bytes of the payload */
  u16 path, opened_path, block[3]; /* strings: the file's path, the one kept of its open, blocks */
  u16 raw;               /* length of the end of `opened_path` that the open was given; OPENED_AS_FILE */
};

struct cgroup_path {     /* a cgroup that is not the root of its hierarchy */
  u16 hierarchy;         /* its id, as in /proc/PID/cgroup; 0: cgroup v2 */
  u16 length;            /* of the path behind; 0: the path of the one before */
};

struct process {         /* exec, clone */
  struct header head;
  struct file_attrs file;
  u64 start, pidns_start, effective, permitted, inheritable, major_faults, minor_faults, fdlimit, flags;
  s64 change_time, modify_time; /* of the executable, ns since the epoch */
  u64 vm_pages, rss_pages, swap_pages;
  u64 args_length;       /* before truncation */
  u64 stack;             /* mm->start_stack: random for each exec */
  u32 parent, pgid, vpgid, vsid, vpid, vtid, tty, loginuid;
  u32 uid, gid, ruid, suid, rgid, sgid;
  u32 old_tid, namespaces; /* those that are not the host's, as clone flags: CLONE_NEWUSER and so on */
  u8 comm[16];
  u16 exe, args, cwd, cgroups, name, environment; /* strings; cgroups: a struct cgroup_path and its path, each */
  u16 trust, standard;   /* enum trust; how many struct standard follow before the strings: 0, or STANDARD_FDS */
  u16 script, unused[3]; /* string, behind the environment: the path of a script that is trusted */
};

enum { STANDARD_FDS = 3 };
struct standard {        /* what a new program has as its descriptor 0, 1 or 2; `file.mode` 0: nothing */
  struct file_attrs file;
  struct endpoints endpoints;
  u16 marks;
  u16 path, opened_path; /* strings, after the names in `endpoints` and all strings of struct process */
  u16 raw;               /* as in struct descriptor */
};

struct fork {
  struct header head;
  u64 start, pidns_start;
  u32 child_tid, child_pid, child_vtid, child_vpid, parent, shares_files;
};

struct cgroup_move {     /* a process is in other cgroups than before: it was moved, or was made there */
  struct header head;    /* of the process that moved it */
  u32 moved;             /* process id */
  u16 cgroups, unused;   /* string */
};

struct exit {
  struct header head;
  u32 status, reaper;
};
