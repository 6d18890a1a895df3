"""The identity of a directory's owner, for root's commands beside a mozu that runs as another user.

The packaged service runs as the user `mozu`, to whom its state belongs, and operators call `mozu` as root. Root would
leave files that the service cannot write (SQLite makes two beside a database), would follow links that this user has
placed, and would judge by rights that the service does not have.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Final

_in_command: Final[ContextVar[bool]] = ContextVar("in_command", default=False)


@contextmanager
def checks_of_command() -> Iterator[None]:
    """Mark the checks in a block as those of a command, such as `mozu check`, in which `checking_identity` acts."""
    token = _in_command.set(True)
    try:
        yield
    finally:
        _in_command.reset(token)


def checking_identity(path: Path) -> AbstractContextManager[None]:
    """Return `owner_identity` in the checks of a command, and a context without effect in those of a start or a reload:
    the user who starts mozu is the one who will write."""
    return owner_identity(path) if _in_command.get() else nullcontext()


@contextmanager
def owner_identity(path: Path) -> Iterator[None]:
    """Act, for the length of a block, as the user who owns the nearest existing directory above a path.

    Changes nothing for users other than root, in directories of root, and if root may not change its identity (in a
    container without CAP_SETUID and CAP_SETGID). All threads of the process change (nptl(7)), so this is for commands,
    not for a running monitor.
    """
    owner = _owner(path) if os.geteuid() == 0 else None
    if owner is None or owner.st_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    try:
        os.setgroups([owner.st_gid])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    except PermissionError:
        _return(group, groups)
        yield
        return
    try:
        yield
    finally:
        _return(group, groups)


def _return(group: int, groups: list[int]) -> None:
    """Become root again; the real user is root throughout."""
    os.seteuid(0)
    os.setegid(group)
    if os.getgroups() != groups:
        os.setgroups(groups)


def _owner(path: Path) -> os.stat_result | None:
    for place in path.absolute().parents:
        try:
            return place.stat()
        except OSError:
            continue
    return None
