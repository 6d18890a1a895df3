"""Compares mozu's rights to open files with a traced task's: user, groups, capabilities, namespaces and label."""

import os
import re
from typing import Final, NamedTuple

_STATUS: Final = re.compile(
    rb"\nUmask:\t(?P<umask>\d+)\n.*?\nUid:\t\d+\t\d+\t\d+\t(?P<user>\d+)\nGid:\t\d+\t\d+\t\d+\t(?P<group>\d+)\n"
    rb".*?\nGroups:\t(?P<groups>[\d ]*)\n.*?\nCapEff:\t(?P<capabilities>\w+)\n",
    re.DOTALL,
)
_NAMESPACES: Final = ("user", "pid")
"""Capabilities count in the one; in the other /proc/self is another number."""


class Rights(NamedTuple):
    """The rights of a task whose opens mozu can do."""

    umask: int
    own_umask: int
    """mozu's."""


class OwnRights:
    """mozu's, as they are when this is made."""

    def __init__(self) -> None:
        found = _rights("thread-self")
        assert found is not None  # it runs
        self._umask, self._known = found

    def shared_by(self, tid: int) -> Rights | None:
        """None: the task has other rights, or has ended."""
        found = _rights(str(tid))
        return None if found is None or found[1] != self._known else Rights(found[0], self._umask)


def _rights(task: str) -> tuple[int, tuple[bytes, ...]] | None:
    """(umask, what must be equal)."""
    try:
        with open(f"/proc/{task}/status", "rb") as file:
            match = _STATUS.search(file.read())
        if match is None:
            return None
        namespaces = [os.readlink(f"/proc/{task}/ns/{name}".encode()) for name in _NAMESPACES]
    except OSError:
        return None
    umask, *rest = match.groups()
    return int(umask, 8), (*rest, *namespaces, _label(task))


def _label(task: str) -> bytes:
    """Return the label of a security module (AppArmor, SELinux)."""
    try:
        with open(f"/proc/{task}/attr/current", "rb") as file:
            return file.read()
    except OSError:
        return b""
