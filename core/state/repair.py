"""What lost events have left wrong: found by holding what is known against the machine, put right by one event each."""

from typing import Any, Final

from mozu.core.model.event import Process
from mozu.core.state.cgroup import container_of
from mozu.core.state.ends import bury
from mozu.core.state.observed import KnownProcess, Looked
from mozu.core.state.paths import directory, without_deleted
from mozu.core.state.seeding import further_ids, seed
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.tree import link

_IDENTITY: Final = (
    "ptid", "sid", "pgid", "vpgid", "vpid", "uid", "gid", "loginuid", "cap_permitted", "cap_effective",
    "cap_inheritable",
)  # fmt: skip
_PROGRAM: Final = ("name", "exe", "args", "stack", "exe_ino", "exe_ctime", "exe_mtime", "exe_flags")
_ANOTHER: Final = 1_000_000_000
"""ns between two starts that cannot be one: the machine tells them in hundredths of a second, and clocks are slewed."""


def differs(state: State, looked: Looked, since: int, *, threads: bool) -> bool | None:
    """Whether the state has a process wrong; None where an event after `since` has changed it, so that nobody can say.

    Whom the stream has told of since is right.

    `looked` must have been read after event `since` and before the newest one. `threads`: their number is kept, too.
    """
    node = state.node(looked.tid)
    if node is None or node.main is not node:
        return looked.known is not None and not (state.ended_unknown and looked.tid in state.ended_unknown)
    if node.version.since > since:
        return None if node.born <= since + 1 else False
    return looked.known is None or bool(_changes(state, node.version, looked, threads=threads))


def repair(state: State, looked: Looked) -> None:
    """Make the state say of a process what the machine says."""
    node, known = state.node(looked.tid), looked.known
    if known is None:
        if node is not None:
            bury(state, node, state.number)
    elif node is None or node.main is not node or _is_another(node.version, known):
        seed(state, looked.pid, looked.pid, known, state.number + 1, others=looked.others)
    else:
        _correct(state, node, _changes(state, node.version, looked, threads=True))


def _correct(state: State, node: Node, changes: dict[str, Any]) -> None:
    old = node.version.parent
    state.tables.update(node, state.number + 1, **changes)
    if "ptid" in changes:
        if isinstance(old, Node):
            old.children.discard(node)
        link(state, node)


def _is_another(version: Process, known: KnownProcess) -> bool:
    """Whether the number has gone to another process. A step of the clock moves every start, and nothing else."""
    return abs(version.start - known.start) > _ANOTHER and (
        version.ptid != known.ptid or _is_other_program(version, known)
    )


def _is_other_program(version: Process, known: KnownProcess) -> bool:
    """Whether an exec has been missed. A program that renames itself or writes over its arguments is still the same."""
    if version.stack and known.stack:
        return version.stack != known.stack
    return bool(known.exepath) and without_deleted(known.exepath) != version.exepath


def _changes(state: State, version: Process, looked: Looked, *, threads: bool) -> dict[str, Any]:
    known = looked.known
    assert known is not None
    wanted: dict[str, Any] = {name: getattr(known, name) for name in _IDENTITY} | further_ids(known)
    if known.cwd:
        wanted["cwd"] = directory(known.cwd)
    if known.root:
        wanted["root"] = known.root
    if threads:
        wanted["others"] = looked.others
    container = container_of(known.cgroups, state.namespaces)
    if container != version.container:
        wanted.update(container=container, cgroups=known.cgroups)
    if _is_other_program(version, known):
        wanted.update({name: getattr(known, name) for name in _PROGRAM})
        wanted.update(exepath=without_deleted(known.exepath), env=known.env, args_truncated=False, exec_time=0)
    if abs(version.start - known.start) > _ANOTHER:
        wanted["start"] = known.start
    return {name: value for name, value in wanted.items() if value != getattr(version, name)}
