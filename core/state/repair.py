"""Repair after a loss: compare the state with /proc, and correct each process that lost events have left wrong."""

from typing import Any, Final

from mozu.core.model.event import Process
from mozu.core.state.ends import evict
from mozu.core.state.identity import same_process
from mozu.core.state.observed import KnownProcess, ProcSnapshot
from mozu.core.state.paths import directory, without_deleted
from mozu.core.state.seeding import further_ids, seed
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.tree import link

_IDENTITY: Final = (
    "ptid", "sid", "pgid", "vpgid", "vpid", "uid", "gid", "loginuid", "cap_permitted", "cap_effective",
    "cap_inheritable",
)  # fmt: skip
_PROGRAM: Final = (
    "name", "exe", "args", "stack", "exe_ino", "exe_ctime", "exe_mtime", "exe_uid", "exe_mode", "exe_flags",
    "exe_genuine", "script",
)  # fmt: skip


def differs(state: State, snapshot: ProcSnapshot, since: int, *, threads: bool) -> bool | None:
    """Return True if the state has a process wrong; None if an event after `since` changed it, so that they cannot be
    compared.

    A process that the stream has reported since is right. `snapshot` must have been read from /proc after event `since`
    and before the newest one. `threads`: compare their number too.
    """
    node = state.node(snapshot.tid)
    if node is None or node.main is not node:
        return snapshot.known is not None and not (state.ended_unknown and snapshot.tid in state.ended_unknown)
    if node.version.since > since:
        return None if node.born <= since + 1 else False
    return snapshot.known is None or bool(_changes(state, node.version, snapshot, threads=threads))


def repair(state: State, snapshot: ProcSnapshot) -> None:
    """Change one process of the state to the values in /proc."""
    node, known = state.node(snapshot.tid), snapshot.known
    if known is None:
        if node is not None:
            evict(state, node, state.number)
    elif node is None or node.main is not node or _is_reused(node.version, snapshot.pid, known):
        seed(state, snapshot.pid, snapshot.pid, known, state.number + 1, others=snapshot.others)
    else:
        _correct(state, node, _changes(state, node.version, snapshot, threads=True))


def _correct(state: State, node: Node, changes: dict[str, Any]) -> None:
    old = node.version.parent
    state.tables.update(node, state.number + 1, **changes)
    if "ptid" in changes:
        if isinstance(old, Node):
            old.children.discard(node)
        link(state, node)


def _is_reused(version: Process, pid: int, known: KnownProcess) -> bool:
    """Return True if the pid now belongs to another process. If the start was not known, parent and program decide."""
    if version.boot_start:
        return not same_process(version, pid, known.boot_start)
    return version.ptid != known.ptid or _is_other_program(version, known)


def _is_other_program(version: Process, known: KnownProcess) -> bool:
    """Return True if an exec was missed. A program that renames itself or overwrites its arguments is still the
    same."""
    if version.stack and known.stack:
        return version.stack != known.stack
    return bool(known.exepath) and without_deleted(known.exepath) != version.exepath


def _changes(state: State, version: Process, snapshot: ProcSnapshot, *, threads: bool) -> dict[str, Any]:
    known = snapshot.known
    assert known is not None
    wanted: dict[str, Any] = {name: getattr(known, name) for name in _IDENTITY} | further_ids(known)
    if known.cwd:
        wanted["cwd"] = directory(known.cwd)
    if known.root:
        wanted["root"] = known.root
    if threads:
        wanted["others"] = snapshot.others
    container = state.container_of(known.cgroups)
    if container != version.container:
        wanted.update(container=container, cgroups=known.cgroups)
    if _is_other_program(version, known):
        wanted.update({name: getattr(known, name) for name in _PROGRAM})
        wanted.update(exepath=without_deleted(known.exepath), env=known.env, args_truncated=False, exec_time=0)
    if not same_process(version, snapshot.pid, known.boot_start):
        wanted.update(start=known.start, boot_start=known.boot_start)
    return {name: value for name, value in wanted.items() if value != getattr(version, name)}
