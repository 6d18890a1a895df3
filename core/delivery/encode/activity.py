"""Event types in the words of ECS: `event.category` and `event.type`."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from mozu.core.model.syscalls import event_type

Words = tuple[str, tuple[str, ...]]
"""Category, types; only pairs that ECS allows."""

_TYPES: Final[Mapping[Words, str]] = {
    ("process", ("start",)): "execve execveat clone clone3 fork vfork",
    ("process", ("end",)): "procexit",
    ("process", ("change",)): "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid capset prctl"
    " setns unshare setsid setpgid setrlimit prlimit chroot pivot_root",
    ("process", ("access",)): "ptrace process_vm_readv process_vm_writev kill tkill tgkill pidfd_open pidfd_getfd",
    ("file", ("access",)): "open openat openat2 open_by_handle_at read pread readv preadv access memfd_create",
    ("file", ("change",)): "write pwrite writev pwritev rename renameat renameat2 chmod fchmod fchmodat fchmodat2 chown"
    " fchown fchownat lchown truncate ftruncate setxattr fsetxattr",
    ("file", ("creation",)): "creat mkdir mkdirat mknod mknodat link linkat symlink symlinkat",
    ("file", ("deletion",)): "unlink unlinkat rmdir",
    ("network", ("connection", "start")): "connect accept accept4",
    ("network", ("connection", "info")): "socket bind listen send sendto sendmsg sendmmsg"
    " recv recvfrom recvmsg recvmmsg",
    ("network", ("connection", "end")): "shutdown",
    ("driver", ("start",)): "init_module finit_module",
    ("driver", ("end",)): "delete_module",
    ("configuration", ("change",)): "mount umount umount2 umount_1 quotactl sysctl",
}
_BY_TYPE: Final = {name: words for words, names in _TYPES.items() for name in names.split()}
_BY_CATEGORY: Final[Mapping[str, Words]] = {
    "file": ("file", ("info",)),
    "net": ("network", ("info",)),
    **dict.fromkeys(("process", "user", "memory", "signal", "ipc"), ("process", ("info",))),
}
DETECTION: Final[Words] = ("intrusion_detection", ("info",))
"""What every alert is, besides."""


@cache
def activity(name: str) -> Words | None:
    """The words for one event type; None where there are none."""
    known = event_type(name)
    return _BY_TYPE.get(name) or (None if known is None else _BY_CATEGORY.get(known.category))
