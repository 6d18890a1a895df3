"""Calls that the event table of the rule language knows by name only: the event has the name of the call and shows that
it returned. Some have parameters of mozu's own."""

from collections.abc import Mapping
from typing import Final

NAMES = (
    "_sysctl acct add_key adjtimex alarm arch_prctl cachestat capget clock_adjtime clock_getres clock_gettime "
    "clock_nanosleep clock_settime create_module epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
    "epoll_wait_old exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_init fanotify_mark "
    "fchmodat2 fdatasync fgetxattr file_getattr file_setattr flistxattr fremovexattr fsetxattr fsmount fsopen "
    "fspick fstatfs fsync ftruncate futex_requeue futex_wait futex_waitv futex_wake futimesat get_kernel_syms "
    "get_mempolicy get_robust_list get_thread_area getcpu getgroups getitimer getpgid getpgrp getpid getpmsg "
    "getppid getpriority getrandom getrusage getsid gettid gettimeofday getxattr getxattrat inotify_add_watch "
    "inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioperm iopl "
    "ioprio_get ioprio_set kcmp kexec_file_load kexec_load landlock_add_rule landlock_create_ruleset "
    "landlock_restrict_self lgetxattr listmount listns listxattr listxattrat llistxattr lookup_dcookie "
    "lremovexattr lsetxattr lsm_get_self_attr lsm_list_modules lsm_set_self_attr madvise map_shadow_stack "
    "mbind membarrier memfd_secret migrate_pages mincore modify_ldt mount_setattr move_mount move_pages "
    "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv "
    "msgsnd msync name_to_handle_at nfsservctl open_tree open_tree_attr pause perf_event_open personality "
    "pidfd_send_signal pivot_root pkey_alloc pkey_free pkey_mprotect preadv2 process_madvise process_mrelease "
    "pselect6 pwritev2 query_module quotactl_fd readahead readlink readlinkat reboot remap_file_pages "
    "removexattr removexattrat request_key restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max "
    "sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
    "sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
    "semtimedop set_mempolicy set_mempolicy_home_node set_robust_list set_thread_area set_tid_address "
    "setdomainname setfsgid setfsuid setgroups sethostname setitimer setpriority settimeofday setxattr "
    "setxattrat shmat shmctl shmdt shmget sigaltstack statfs statmount statx swapoff swapon sync "
    "sync_file_range syncfs sysfs sysinfo syslog tee time timer_create timer_delete timer_getoverrun "
    "timer_gettime timer_settime timerfd_gettime timerfd_settime times truncate umask uname uprobe uretprobe "
    "uselib ustat utime utimensat utimes vhangup vmsplice wait4 waitid "
)
"""Names, each of one event type."""

PARAMS: Final[Mapping[str, str]] = {
    "acct": "res:errno path:fspath",
    "add_key": "res:errno type:string description:string keyring:int32",
    "faccessat": "res:errno dirfd:fd path:fsrelpath@1 mode:flags32:x:access_flags",
    "faccessat2": "res:errno dirfd:fd path:fsrelpath@1 mode:flags32:x:access_flags flags:uint32:x",
    "fallocate": "res:errno fd:fd mode:uint32:x offset:uint64 len:uint64",
    "fanotify_mark": "res:errno fd:fd flags:uint32:x mask:uint64:x dirfd:fd path:fsrelpath@4",
    "fchmodat2": "res:errno dirfd:fd filename:fsrelpath@1 mode:mode:o:chmod_mode flags:flags32:x:newfstatat_flags",
    "fgetxattr": "res:errno fd:fd name:string",
    "flistxattr": "res:errno fd:fd",
    "fremovexattr": "res:errno fd:fd name:string",
    "fsetxattr": "res:errno fd:fd name:string size:uint64 flags:uint32:x",
    "fsmount": "res:errno fd:fd flags:uint32:x attr_flags:uint32:x",
    "fsopen": "res:errno name:string flags:uint32:x",
    "fspick": "res:errno dirfd:fd path:fsrelpath@1 flags:uint32:x",
    "ftruncate": "res:errno fd:fd length:uint64",
    "futimesat": "res:errno dirfd:fd path:fsrelpath@1",
    "getxattr": "res:errno path:fspath name:string",
    "inotify_add_watch": "res:errno fd:fd path:fspath mask:uint32:x",
    "ioperm": "res:errno from:uint64 num:uint64 turn_on:uint32",
    "iopl": "res:errno level:uint32",
    "kexec_file_load": "res:errno kernel_fd:fd initrd_fd:fd flags:uint64:x",
    "lgetxattr": "res:errno path:fspath name:string",
    "listxattr": "res:errno path:fspath",
    "llistxattr": "res:errno path:fspath",
    "lremovexattr": "res:errno path:fspath name:string",
    "lsetxattr": "res:errno path:fspath name:string size:uint64 flags:uint32:x",
    "madvise": "res:errno addr:uint64:x length:uint64 advice:uint32",
    "memfd_secret": "res:errno flags:uint32:x",
    "mount_setattr": "res:errno dirfd:fd path:fsrelpath@1 flags:uint32:x",
    "move_mount": (
        "res:errno olddirfd:fd oldpath:fsrelpath@1 newdirfd:fd newpath:fsrelpath@3 flags:uint32:x"
    ),
    "mq_open": "res:errno name:string flags:uint32:x",
    "mq_unlink": "res:errno name:string",
    "name_to_handle_at": "res:errno dirfd:fd path:fsrelpath@1 flags:uint32:x",
    "open_tree": "res:errno dirfd:fd path:fsrelpath@1 flags:uint32:x",
    "perf_event_open": "res:errno pid:pid cpu:int32 group_fd:fd flags:uint64:x",
    "personality": "res:errno persona:uint32:x",
    "pidfd_send_signal": "res:errno fd:fd sig:signal flags:uint32:x",
    "pivot_root": "res:errno newpath:fspath oldpath:fspath",
    "pkey_mprotect": "res:errno addr:uint64:x length:uint64 prot:flags32:x:prot_flags",
    "process_madvise": "res:errno fd:fd advice:uint32 flags:uint32:x",
    "readlink": "res:errno path:fspath",
    "readlinkat": "res:errno dirfd:fd path:fsrelpath@1",
    "reboot": "res:errno cmd:uint32:x",
    "removexattr": "res:errno path:fspath name:string",
    "removexattrat": "res:errno dirfd:fd path:fsrelpath@1 flags:uint32:x name:string",
    "request_key": "res:errno type:string description:string",
    "rt_sigqueueinfo": "res:errno pid:pid sig:signal",
    "rt_tgsigqueueinfo": "res:errno pid:pid tid:pid sig:signal",
    "setdomainname": "res:errno name:bytes len:uint32",
    "sethostname": "res:errno name:bytes len:uint32",
    "setxattr": "res:errno path:fspath name:string size:uint64 flags:uint32:x",
    "setxattrat": "res:errno dirfd:fd path:fsrelpath@1 flags:uint32:x name:string",
    "statfs": "res:errno path:fspath",
    "statx": "res:errno dirfd:fd path:fsrelpath@1 flags:flags32:x:newfstatat_flags",
    "swapoff": "res:errno path:fspath",
    "swapon": "res:errno path:fspath flags:uint32:x",
    "syslog": "res:errno type:uint32",
    "tee": "res:errno fd_in:fd fd_out:fd len:uint64 flags:uint32:x",
    "truncate": "res:errno path:fspath length:uint64",
    "umask": "res:errno mode:uint32:o",
    "utime": "res:errno path:fspath",
    "utimensat": "res:errno dirfd:fd path:fsrelpath@1 flags:flags32:x:newfstatat_flags",
    "utimes": "res:errno path:fspath",
}
"""Event type → parameters that only live sources fill. In captures of other programs these events have none; and fields
about results and descriptors (evt.res, evt.failed, fd.name …) have no value in them, as rules for those programs
expect, except for the event types in TRAITS."""

TRAITS: Final[Mapping[str, str]] = {"ftruncate": "uses_fd"}
"""Event type → traits for mozu's own rules: the file that is cut (`fd.*`)."""

ELSEWHERE = (
    "prlimit64 statfs64 fstatfs64 fstatat64 sendfile64 ugetrlimit bdflush sigprocmask ipc socketcall fcntl64 "
    "_newselect sgetmask ssetmask sigpending olduname signal nice stime _llseek waitpid pread64 pwrite64 "
    "setuid32 getuid32 setgid32 geteuid32 getgid32 setresuid32 setresgid32 getresuid32 getresgid32 getegid32 "
    "sched_process_exit sched_switch page_fault_user page_fault_kernel signal_deliver timerfd "
    "s390_pci_mmio_read sigaction s390_pci_mmio_write readdir s390_sthyi sigsuspend idle s390_runtime_instr "
    "sigreturn s390_guarded_storage riscv_flush_icache riscv_hwprobe oldstat switch_endian multiplexer "
    "oldlstat spu_create sync_file_range2 oldfstat spu_run swapcontext pciconfig_write rtas pciconfig_read "
    "sys_debug_setcontext vm86 oldolduname subpage_prot pciconfig_iobase rseq_slice_yield "
)
"""Names that rules may mention although no event of an x86-64 kernel has them: calls of other machines, and kernel
names of calls whose event has a shorter name."""
