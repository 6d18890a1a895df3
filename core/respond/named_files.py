"""Files that rules with a responder name, held open: each is identified by device and inode, by whatever path it is
reached.

A process of a container, or of a user namespace, may reach a file by another path: after a chroot, by a mount of a
volume elsewhere, by a hard link. The source `ebpf` finds the path that the rule names by the numbers of the file
(`KernelKills.named_files`). A descriptor of O_PATH reserves the numbers, as for executables (held_executables.py), and
comes from open_tree(2): an open of the file would be killed by the rule itself, which the kernel still applies if a run
has died (`respond.on_death: go_on`).
"""

import ctypes
import os
import stat
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import Formula, leaves
from mozu.core.respond.held_executables import Identity, devices_of_mounts, identity_in_kernel

_OPEN_TREE: Final = 428
"""The number of open_tree on x86-64 and arm64 (Linux 5.2)."""
_HERE: Final = -100
"""AT_FDCWD of linux/fcntl.h."""
_NO_FOLLOW: Final = 0x100
"""AT_SYMLINK_NOFOLLOW of linux/fcntl.h."""
_libc: Final = ctypes.CDLL(None, use_errno=True)
_FDINFO: Final = Path("/proc/self/fdinfo")
_FIELDS: Final = frozenset({"fd.realpath", "fd.paths"})
_OPERATORS: Final = frozenset({"=", "==", "in", "pmatch"})


def paths_in(formula: Formula) -> set[str]:
    """Return the absolute paths that a condition compares with the opened file."""
    return {
        value
        for leaf in leaves(formula)
        if isinstance(leaf, Comparison) and leaf.field in _FIELDS and leaf.op in _OPERATORS
        for value in leaf.values
        if value.startswith("/") and not set(value) & set("*?[")
    }


class NamedFiles:
    """Regular files of the host. A deleted or renamed file stays known until another file has its path."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._held: dict[str, _Held | None] = dict.fromkeys(sorted(paths))

    def look(self) -> Mapping[Identity, str]:
        """Return the path of each file by its device and inode as the kernel stores them. May block on file systems."""
        devices: Mapping[int, int] = {}
        for path, held in self._held.items():
            try:
                found = os.stat(path, follow_symlinks=False)
                if held is None or held.found != (found.st_dev, found.st_ino):
                    devices = devices or devices_of_mounts()
                    self._held[path] = _Held(path, devices)
            except OSError:
                continue
        known = ((path, one.in_kernel) for path, one in self._held.items() if one is not None)
        return {numbers: path for path, numbers in known if numbers is not None}


class _Held:
    """An open file. Raises OSError."""

    def __init__(self, path: str, devices: Mapping[int, int]) -> None:
        descriptor = _path_descriptor(path)
        weakref.finalize(self, os.close, descriptor)
        found = os.fstat(descriptor)
        self.found: Identity = found.st_dev, found.st_ino
        is_there = stat.S_ISREG(found.st_mode) and os.readlink(f"/proc/self/fd/{descriptor}") == path
        self.in_kernel = identity_in_kernel(_FDINFO / str(descriptor), devices, found.st_ino) if is_there else None
        """Device and inode as the kernel stores them; None if it is no regular file, or its path leads through a
        symbolic link."""


def _path_descriptor(path: str) -> int:
    """Return a descriptor of O_PATH, which open_tree returns without OPEN_TREE_CLONE. Raises OSError."""
    descriptor: int = _libc.syscall(_OPEN_TREE, _HERE, os.fsencode(path), _NO_FOLLOW | os.O_CLOEXEC)
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return descriptor
