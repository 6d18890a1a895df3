"""Kinds of descriptors and their letters."""

from typing import Final

from mozu.core.model.event import File

CHARS: Final = {
    "file": "f",
    "directory": "d",
    "ipv4": "4",
    "ipv6": "6",
    "unix": "u",
    "pipe": "p",
    "event": "e",
    "signalfd": "s",
    "eventpoll": "l",
    "inotify": "i",
    "timerfd": "t",
    "netlink": "n",
    "bpf": "b",
    "userfaultfd": "u",
    "io_uring": "r",
    "memfd": "m",
    "pidfd": "P",
}
IP: Final = frozenset({"ipv4", "ipv6"})
PATHS: Final = frozenset({"file", "directory"})

GUESSES: Final = {
    "openat": "f",
    "openat2": "f",
    "creat": "f",
    "socket": "4",
    "accept": "4",
    "accept4": "4",
    "pipe": "p",
    "pipe2": "p",
    "eventfd": "e",
    "eventfd2": "e",
    "signalfd": "s",
    "signalfd4": "s",
    "timerfd_create": "t",
    "inotify_init": "i",
    "inotify_init1": "i",
}
"""Event type → letter of a descriptor that the state does not know."""


def type_char(file: File) -> str:
    """Return the letter of a known descriptor."""
    return CHARS.get(file.kind, "o")
