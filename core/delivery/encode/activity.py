"""Events in ECS terms: `event.category` and `event.type`, chosen by event type and by known effects.

ECS allows only certain types for a category; the choice among them follows the descriptions in the schema
(docs/integrate/formats.md). Success or failure is in `event.outcome`, not in these terms.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from mozu.core.delivery.encode.known import Known
from mozu.core.model.syscalls import event_type

Words = tuple[str, tuple[str, ...]]
"""Category and types; only pairs that ECS allows."""

_TYPES: Final[Mapping[Words, str]] = {
    ("process", ("start",)): "execve execveat clone clone3 fork vfork",
    ("process", ("end",)): "procexit exit exit_group",
    ("process", ("change",)): "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset"
    " prctl seccomp setns unshare setsid setpgid setrlimit prlimit chroot pivot_root personality"
    " landlock_restrict_self",
    ("process", ("access",)): "ptrace process_vm_readv process_vm_writev process_madvise kill tkill tgkill"
    " rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd",
    ("file", ("access",)): "open openat openat2 open_by_handle_at read pread readv preadv preadv2 sendfile",
    ("file", ("change",)): "write pwrite writev pwritev pwritev2 rename renameat renameat2 chmod fchmod fchmodat"
    " fchmodat2 chown fchown fchownat lchown truncate ftruncate fallocate copy_file_range setxattr lsetxattr fsetxattr"
    " setxattrat removexattr lremovexattr fremovexattr removexattrat utime utimes utimensat futimesat file_setattr",
    ("file", ("creation",)): "creat mkdir mkdirat mknod mknodat link linkat symlink symlinkat memfd_create"
    " memfd_secret",
    ("file", ("deletion",)): "unlink unlinkat rmdir",
    ("file", ("info",)): "access faccessat faccessat2 readlink readlinkat statx getxattr lgetxattr fgetxattr"
    " getxattrat listxattr llistxattr flistxattr listxattrat statfs fstatfs file_getattr name_to_handle_at"
    " inotify_add_watch fanotify_mark close close_range dup dup2 dup3 fcntl ioctl splice",
    ("network", ("connection", "start")): "connect accept accept4",
    ("network", ("connection", "info")): "socket bind listen send sendto sendmsg sendmmsg"
    " recv recvfrom recvmsg recvmmsg",
    ("network", ("connection", "end")): "shutdown",
    ("driver", ("start",)): "init_module finit_module",
    ("driver", ("end",)): "delete_module",
    ("configuration", ("change",)): "mount umount umount2 umount_1 move_mount mount_setattr fsmount quotactl"
    " quotactl_fd sysctl _sysctl swapon swapoff sethostname setdomainname settimeofday clock_settime adjtimex"
    " clock_adjtime acct",
    ("host", ("change",)): "kexec_load kexec_file_load",
    ("host", ("end",)): "reboot",
    ("iam", ("user", "creation")): "useradded",
    ("iam", ("user", "deletion")): "userdeleted",
    ("iam", ("group", "creation")): "groupadded",
    ("iam", ("group", "deletion")): "groupdeleted",
}
_BY_TYPE: Final = {name: words for words, names in _TYPES.items() for name in names.split()}
_BY_CATEGORY: Final[Mapping[str, Words]] = {
    "file": ("file", ("info",)),
    "net": ("network", ("info",)),
    **dict.fromkeys(("process", "user", "memory", "signal", "ipc"), ("process", ("info",))),
}
_OPENS: Final = frozenset({"open", "openat", "openat2", "open_by_handle_at"})
_CREATED: Final[Words] = ("file", ("creation",))
_CHANGED: Final[Words] = ("file", ("change",))
_BY_DESCRIPTOR: Final = frozenset(
    {
        *("read", "pread", "readv", "preadv", "preadv2", "write", "pwrite", "writev", "pwritev", "pwritev2"),
        *("sendfile", "splice", "close", "dup", "dup2", "dup3", "fcntl", "ioctl", "socket", "connect", "accept"),
        *("accept4", "bind", "listen", "shutdown", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom"),
        *("recvmsg", "recvmmsg"),
    }
)
"""Calls on a descriptor, which may be a file, a connection or another channel between processes."""
_IP: Final = frozenset({"ipv4", "ipv6"})
_FILES: Final = frozenset({"file", "directory", "memfd"})
_OTHER: Final[Words] = ("process", ("info",))
DETECTION: Final[Words] = ("intrusion_detection", ("info",))
"""Category and type that every alert has besides those of its event."""


def activity(name: str, known: Known) -> Words | None:
    """Return category and types for an event; None if ECS has none."""
    if name in _OPENS:
        if known.flag("evt.is_open_create") and known.text("fd.type") != "directory":
            return _CREATED
        return _CHANGED if known.flag("evt.is_open_write") else _words(name)
    return _about(name, known.text("fd.type")) if name in _BY_DESCRIPTOR else _words(name)


def _about(name: str, kind: str | None) -> Words | None:
    """Return category and types for a call on a descriptor of this kind (None: unknown)."""
    words = _words(name)
    if kind is None or words is None:
        return words
    if kind in _IP:
        if words[0] == "network":
            return words
        return "network", ("connection", "end" if name == "close" else "info")
    return words if kind in _FILES and words[0] == "file" else _OTHER


@cache
def _words(name: str) -> Words | None:
    found = event_type(name)
    return _BY_TYPE.get(name) or (None if found is None else _BY_CATEGORY.get(found.category))
