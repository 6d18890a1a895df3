"""Kernel structs and members that the programs read; btf.py finds their offsets (`btf.Spec` is the notation)."""

from typing import Final

from mozu.core.model.arch import MACHINE

STRUCTS: Final[dict[str, str]] = {
    "task_struct": (
        "pid tgid mm files fs cred signal real_parent cgroups loginuid? exit_code thread_pid maj_flt min_flt "
        "start_boottime=start_boottime|real_start_time comm children task_works nsproxy thread_info flags self_exec_id "
        "state=__state|state group_leader parent ptrace"
    ),
    "thread_info": MACHINE.thread_info,
    "pt_regs": MACHINE.saved_registers,
    "signal_struct": "live nr_threads pids tty flags group_exit_code rlim is_child_subreaper has_child_subreaper",
    "kernel_siginfo": "si_code _sifields",
    "list_head": "next",
    "pid": "level numbers",
    "upid": "nr ns",
    "pid_namespace": "child_reaper",
    "tty_struct": "index driver",
    "tty_driver": "major minor_start",
    "cred": "uid gid suid sgid euid egid fsuid fsgid cap_effective cap_permitted cap_inheritable user_ns",
    "user_namespace": "level owner",
    "mnt_namespace": "user_ns",
    "nsproxy": "mnt_ns net_ns? ipc_ns?",
    "mm_struct": "start_stack arg_start arg_end env_start env_end exe_file total_vm rss_stat",
    "percpu_counter": "count",
    "linux_binprm": "filename file buf interp executable",
    "files_struct": "fdt count",
    "fdtable": "max_fds fd",
    "fs_struct": "root pwd",
    "path": "mnt dentry",
    "file": "f_path f_inode f_mode f_flags private_data f_work=f_task_work|f_rcuhead|f_u?",
    "dentry": "d_hash d_inode d_parent d_name=__d_name|d_name d_iname=d_shortname|d_iname",
    "hlist_bl_node": "pprev",
    "qstr": "len name",
    "vfsmount": "mnt_root mnt_sb mnt_flags",
    "mount": "mnt_parent mnt_mountpoint mnt mnt_ns",
    "inode": (
        "i_mode i_uid i_gid i_flags i_sb i_ino i_ctime_sec? i_ctime_nsec? i_mtime_sec? i_mtime_nsec? "
        "i_ctime=i_ctime|__i_ctime? i_mtime=i_mtime|__i_mtime?"
    ),
    "super_block": "s_dev s_flags s_magic s_root s_user_ns",
    "ovl_inode": "vfs_inode __upperdentry?",
    "css_set": "cgrp_links subsys",
    "cgroup_subsys_state": "cgroup",
    "cgrp_cset_link": "cgrp cgrp_link",
    "cgroup": "kn root",
    "cgroup_root": "hierarchy_id",
    "kernfs_node": "parent=__parent|parent name hash id",
    "socket": "sk",
    "sock": "__sk_common sk_type sk_protocol sk_ack_backlog sk_max_ack_backlog",
    "unix_sock": "addr peer",
    "unix_address": "len name",
    "io_ring_ctx": "flags? cached_sq_head? sq_entries? sq_sqes? sq_array?",
    "io_kiocb": "file? ctx? opcode? cqe?",
    "io_cqe": "user_data",
    "io_open": "file_slot? how?",
    "kiocb": "ki_filp",
    "msghdr": "msg_name msg_namelen msg_flags",
    "sock_common": (
        "skc_family skc_state skc_daddr skc_rcv_saddr skc_dport skc_num skc_v6_daddr? skc_v6_rcv_saddr?"
    ),
}

CAST_TO: Final = tuple(STRUCTS)
"""Structs that programs can cast pointers to."""
ENUMERATIONS: Final = ("cgroup_subsys_id", "pid_type", "hlist_bl_node")
