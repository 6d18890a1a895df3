"""Calls that make and change processes."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call(
        "execve",
        "process",
        "res:errno exe:string args:bytes tid:pid pid:pid ptid:pid cwd:string fdlimit:uint64 pgft_maj:uint64 "
        "pgft_min:uint64 vm_size:uint32 vm_rss:uint32 vm_swap:uint32 comm:string cgroups:bytes env:bytes "
        "tty:uint32 vpgid:pid loginuid:uid flags:flags32:x:execve_flags cap_inheritable:uint64:x "
        "cap_permitted:uint64:x cap_effective:uint64:x exe_ino:uint64 exe_ino_ctime:abstime "
        "exe_ino_mtime:abstime uid:uid trusted_exepath:fspath pgid:pid gid:gid filename:fspath",
        traits="modifies_state",
        default="state",
    ),
    call(
        "execveat",
        "process",
        "res:errno exe:string args:bytes tid:pid pid:pid ptid:pid cwd:string fdlimit:uint64 pgft_maj:uint64 "
        "pgft_min:uint64 vm_size:uint32 vm_rss:uint32 vm_swap:uint32 comm:string cgroups:bytes env:bytes "
        "tty:uint32 vpgid:pid loginuid:uid flags:flags32:x:execve_flags cap_inheritable:uint64:x "
        "cap_permitted:uint64:x cap_effective:uint64:x exe_ino:uint64 exe_ino_ctime:abstime "
        "exe_ino_mtime:abstime uid:uid trusted_exepath:fspath pgid:pid gid:gid",
        traits="modifies_state",
        default="state",
    ),
    call(
        "clone",
        "process",
        "res:pid exe:string args:bytes tid:pid pid:pid ptid:pid cwd:string fdlimit:int64 pgft_maj:uint64 "
        "pgft_min:uint64 vm_size:uint32 vm_rss:uint32 vm_swap:uint32 comm:string cgroups:bytes "
        "flags:flags32:x:clone_flags uid:uint32 gid:uint32 vtid:pid vpid:pid pidns_init_start_ts:uint64",
        traits="modifies_state",
        default="state",
    ),
    call(
        "clone3",
        "process",
        "res:pid exe:string args:bytes tid:pid pid:pid ptid:pid cwd:string fdlimit:int64 pgft_maj:uint64 "
        "pgft_min:uint64 vm_size:uint32 vm_rss:uint32 vm_swap:uint32 comm:string cgroups:bytes "
        "flags:flags32:x:clone_flags uid:uint32 gid:uint32 vtid:pid vpid:pid pidns_init_start_ts:uint64",
        traits="modifies_state",
        default="state",
    ),
    call(
        "fork",
        "process",
        "res:pid exe:string args:bytes tid:pid pid:pid ptid:pid cwd:string fdlimit:int64 pgft_maj:uint64 "
        "pgft_min:uint64 vm_size:uint32 vm_rss:uint32 vm_swap:uint32 comm:string cgroups:bytes "
        "flags:flags32:x:clone_flags uid:uint32 gid:uint32 vtid:pid vpid:pid pidns_init_start_ts:uint64",
        traits="modifies_state",
        default="state",
    ),
    call(
        "vfork",
        "process",
        "res:pid exe:string args:bytes tid:pid pid:pid ptid:pid cwd:string fdlimit:int64 pgft_maj:uint64 "
        "pgft_min:uint64 vm_size:uint32 vm_rss:uint32 vm_swap:uint32 comm:string cgroups:bytes "
        "flags:flags32:x:clone_flags uid:uint32 gid:uint32 vtid:pid vpid:pid pidns_init_start_ts:uint64",
        traits="modifies_state",
        default="state",
    ),
    call("setns", "process", "res:errno fd:fd nstype:flags32:x:clone_flags", traits="uses_fd"),
    call("unshare", "process", "res:errno flags:flags32:x:clone_flags"),
    call(
        "ptrace",
        "process",
        "res:errno addr:dynamic(uint64.x|signal) data:dynamic(uint64.x|signal) request:enum16:ptrace_requests pid:pid",
    ),
    call(
        "prctl",
        "process",
        "res:errno option:enum32:prctl_options arg2_str:string arg2_int:int64",
        traits="modifies_state",
        default="state",
    ),
    call("setpgid", "process", "res:errno pid:pid pgid:pid"),
    call("setsid", "process", "res:pid", traits="modifies_state", default="state"),
    call(
        "capset",
        "process",
        "res:errno cap_inheritable:uint64:x cap_permitted:uint64:x cap_effective:uint64:x",
        traits="modifies_state",
        default="state",
    ),
    call("getrlimit", "process", "res:errno cur:int64 max:int64 resource:enum8:rlimit_resources"),
    call("setrlimit", "process", "res:errno cur:int64 max:int64 resource:enum8:rlimit_resources", default="state"),
    call(
        "prlimit",
        "process",
        "res:errno newcur:int64 newmax:int64 oldcur:int64 oldmax:int64 pid:int64 resource:enum8:rlimit_resources",
        default="state",
        calls="prlimit64",
    ),
    call("seccomp", "other", "res:errno op:uint64 flags:uint64:x"),
)
