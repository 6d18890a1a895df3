"""Warnings about traced programs, each logged once: calls of another ABI, set-uid programs without privilege."""

import logging
import os
import stat

_ELF_CLASS, _CLASS_32 = 4, 1
"""Offset of the class in an ELF file, and its value for 32-bit programs."""


class ProgramWarnings:
    """Warnings after checks of each executed program."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._seen: set[tuple[int, int]] = set()
        self._other_abi: set[int] = set()
        self.unread = 0
        """Number of calls of another ABI, at which the tracer stopped without reading them."""

    def other_abi(self, pid: int) -> None:
        """Note that a process made a 32-bit or x32 call."""
        self.unread += 1
        if pid not in self._other_abi:
            self._other_abi.add(pid)
            self._log.warning(
                "process %d makes 32-bit or x32 calls, which mozu does not read: what they do is not seen", pid
            )

    def executed(self, tid: int) -> None:
        """Check the program that a task has executed."""
        place = f"/proc/{tid}/exe"
        try:
            found = os.stat(place)
            key = found.st_dev, found.st_ino
            if key in self._seen:
                return
            self._seen.add(key)
            self._check(tid, os.readlink(place), found)
        except OSError:
            return

    def _check(self, tid: int, path: str, found: os.stat_result) -> None:
        changes_user = found.st_mode & stat.S_ISUID and found.st_uid != os.geteuid()
        changes_group = found.st_mode & stat.S_ISGID and found.st_mode & stat.S_IXGRP and found.st_gid != os.getegid()
        if (changes_user or changes_group) and _without_new_privileges(tid):
            self._log.warning(
                "%s is set-uid or set-gid and runs without its privilege, because it is traced by an ordinary user; "
                "run mozu as root where it is needed",
                path,
            )
        with open(f"/proc/{tid}/exe", "rb") as file:
            head = file.read(_ELF_CLASS + 1)
        if head[:4] == b"\x7fELF" and head[_ELF_CLASS] == _CLASS_32:
            self._log.warning("%s is a 32-bit program, whose calls mozu does not read: what it does is not seen", path)


def _without_new_privileges(tid: int) -> bool:
    with open(f"/proc/{tid}/status") as file:
        return any(line.split() == ["NoNewPrivs:", "1"] for line in file)
