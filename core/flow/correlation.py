"""Correlation: alerts that belong together carry one id (`Alert.correlation_uid`): a burst of them reads as one story.

A story is what begins within one minute in one container, or in one login or service of the host. Its id is computed
from the event and from its process and ancestors as they were at the event. No alert is remembered: the order in which
alerts are raised (events wait for enrichers, evaluators work at different speeds) changes no id, none is held back, and
a replay computes the ids of the run.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from mozu.core.model.alert import alert_id
from mozu.core.model.event import Container, Event, Process, SyscallEvent

MINUTE: Final = 60 * 10**9
"""ns by the wall clock in which the acts of a story begin."""
YOUNG: Final = 300 * 10**9
"""ns after its start in which a process and its descendants belong to the story in which it began."""
_INIT: Final = 1
_DEPTH: Final = 64
"""Ancestors that are looked at."""

Group = str | tuple[int, int]
"""The key that the processes of a story share: a container's id, or a session: the start of its pid namespace (0: the
host's) and its id there. The kernel gives a session's number to no other process while one of its processes lives."""


def correlation_uid(event: Event | None, host_id: str) -> str:
    """Return the id of the story that an alert about `event` belongs to; empty if the event is of no process."""
    process = event.process if isinstance(event, SyscallEvent) else None
    if event is None or process is None:
        return ""
    main = process.main_at(event.num)
    lineage = list(_lineage(main, event.num))
    group, members = _session_group(lineage) if main.container is None else _container_group(main.container, lineage)
    if group is None:
        return ""
    began = _began(members, event.time)
    minute = began - began % MINUTE
    return alert_id(minute, f"{host_id}\0{group}\0{minute}", "")


def _lineage(process: Process, number: int) -> Iterator[Process]:
    """Yield the process and its ancestors below init as of event `number`, the nearest first."""
    one: Process | None = process
    for _ in range(_DEPTH):
        if one is None or one.pid == _INIT:
            return
        yield one
        one = one.parent_at(number)


def _container_group(container: Container, lineage: list[Process]) -> tuple[Group, list[Process]]:
    """Return the container, and the part of the lineage that is inside."""
    name = container.full_id
    return name, list(takewhile(lambda one: one.container is not None and one.container.full_id == name, lineage))


def _session_group(lineage: list[Process]) -> tuple[Group | None, list[Process]]:
    """Return the outermost session but one, and the part of the lineage up to it; of a single session that one.

    The last of several sessions is that of a daemon, in which unrelated sessions are started: sshd, a service manager.
    """
    ends: dict[Group, int] = {}
    for place, one in enumerate(lineage, 1):
        session = _session(one)
        if session is not None:
            ends[session] = place
    if not ends:
        return None, []
    chosen = list(ends)[-2:][0]
    return chosen, lineage[: ends[chosen]]


def _session(process: Process) -> tuple[int, int] | None:
    """Return the session; None where it is unknown, of another pid namespace (0), or that of the host's init."""
    is_inside = 0 <= process.vpid != process.pid
    if process.sid <= 0 or (process.sid == _INIT and not is_inside):
        return None
    return process.pidns_start if is_inside else 0, process.sid


def _began(members: list[Process], time: int) -> int:
    """Return when the act began that an event at `time` is a part of, both in ns since the epoch.

    It began with the oldest of the nearest ancestors that are young; if the process itself is old, with the event.
    """
    young = list(takewhile(lambda one: one.start > 0 and time - one.start <= YOUNG, members))
    return young[-1].start if young else time
