"""Code in a process that its executable does not account for: a tracer, the environment of the linker, mapped files.

Only processes of root or of a system service are checked (protection.py): a process of an ordinary user can hide all of
this, and is not spared in any case.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.core.common.mounts import mounts
from mozu.core.common.rooted_open import open_in_root
from mozu.core.common.unsynced_stat import FileStatus, unsynced_stat
from mozu.core.respond.process_facts import PROC, ProcessFacts, process_facts

_LINKER: Final = b"LD_"
"""Prefix of the variables that ld.so(8) obeys."""


def foreign_code(facts: ProcessFacts, *, of_service: bool, proc: Path = PROC) -> str:
    """Return a description of code in the process that does not come from root; empty if there is none. `of_service`:
    the process does not run as root, so that code from another process of its user counts, too."""
    own = proc / str(facts.pid)
    tracer = process_facts(facts.tracer, proc) if facts.tracer else None
    if tracer is not None and not tracer.is_roots:
        return f"it is traced by process {tracer.pid} of user {tracer.uid}"
    if of_service and any(one.startswith(_LINKER) for one in _bytes(own / "environ").split(b"\0")):
        return "its environment has variables of the linker"
    for span, device, path in _executable_mappings(own):
        if path.startswith("["):
            continue
        if not path:
            if of_service:
                return "it has code that is in no file"
        elif _is_others(own, span, device, path):
            return f"it runs code of {path}, which is not root's alone"
    return ""


def _executable_mappings(own: Path) -> Iterator[tuple[str, str, str]]:
    """Yield range of addresses, device in hexadecimal, and path of each executable mapping; proc_pid_maps(5)."""
    for line in _bytes(own / "maps").decode("utf-8", "surrogateescape").splitlines():
        span, permissions, _, device, _, *rest = line.split(None, 5)
        if "x" in permissions:
            yield span, device, rest[0].strip() if rest else ""


def _is_others(own: Path, span: str, device: str, path: str) -> bool:
    """Return True if a user other than root owns the mapped file or may write it; False if unknown."""
    try:
        found = unsynced_stat(str(own / "map_files" / span))
    except PermissionError:  # takes CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN
        return _is_others_by_name(own, device, path)
    except OSError:
        return False
    return _is_writable_by_others(found)


def _is_others_by_name(own: Path, device: str, path: str) -> bool:
    """Return the same for the file at this path below the process's root. Names that the kernel has not cached are not
    looked up: a file system of any user (FUSE) need not answer, and counts as another user's."""
    try:
        directory = os.open(own / "root", os.O_PATH | os.O_CLOEXEC)
        try:
            descriptor = open_in_root(directory, path, only_cached=True)
        finally:
            os.close(directory)
    except BlockingIOError:
        major, _, minor = device.partition(":")
        number = f"{int(major, 16)}:{int(minor, 16)}"
        return any(one.device == number and one.kind.startswith("fuse") for one in mounts(own.name))
    except OSError:
        return False
    try:
        return _is_writable_by_others(unsynced_stat(f"/proc/self/fd/{descriptor}"))
    finally:
        os.close(descriptor)


def _is_writable_by_others(found: FileStatus) -> bool:
    return found.uid != 0 or bool(found.mode & 0o022)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
