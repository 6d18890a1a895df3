"""Anonymous inodes (anon_inode_getfile of the kernel): their names, and their values of the field `fd.type`."""

from collections.abc import Mapping
from typing import Final

ANON_INODES: Final[Mapping[str, str]] = {
    "[eventfd]": "event", "[eventpoll]": "eventpoll", "[signalfd]": "signalfd", "[timerfd]": "timerfd",
    "[userfaultfd]": "userfaultfd", "[io_uring]": "io_uring", "[pidfd]": "pidfd", "inotify": "inotify",
    "bpf-map": "bpf", "bpf-prog": "bpf", "bpf_link": "bpf", "btf": "bpf",
}  # fmt: skip
"""Name, as /proc/PID/fd prints it after `anon_inode:` → `File.kind`."""
