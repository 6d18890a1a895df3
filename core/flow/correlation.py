"""Correlation: alerts that belong together carry one id (`Alert.correlation_uid`): a burst of them reads as one story.

A story is what begins within one minute in one container, or in one login or service of the host. Its id is computed
from the event and from its process and ancestors as they were at the event. No alert is remembered: the order in which
alerts are raised (events wait for enrichers, evaluators work at different speeds) changes no id, none is held back, and
a replay computes the ids of the run.
"""

from typing import Final

from mozu.core.caches import cached
from mozu.core.model.alert import alert_id
from mozu.core.model.event import Event, Process, SyscallEvent

MINUTE: Final = 60 * 10**9
"""ns by the wall clock in which the acts of a story begin."""
YOUNG: Final = 300 * 10**9
"""ns after its start in which a process and its descendants belong to the story in which it began."""
_INIT: Final = 1
_DEPTH: Final = 64
"""Maximum number of ancestors examined."""

Group = str | tuple[int, int]
"""The key that the processes of a story share: a container's id, or a session: the start of its pid namespace (0: the
host's) and its id there. The kernel gives a session's number to no other process while one of its processes lives."""


def correlation_uid(event: Event | None, host_id: str) -> str:
    """Return the id of the story that an alert about `event` belongs to; empty if the event is of no process."""
    process = event.process if isinstance(event, SyscallEvent) else None
    if event is None or process is None:
        return ""
    main = process.main_at(event.num)
    group: Group | None
    if main.container is None:
        group, began = _in_session(main, event.num, event.time)
    else:
        group, began = main.container.full_id, _in_container(main, event.num, event.time)
    return "" if group is None else _story(host_id, group, began - began % MINUTE)


@cached(4096)
def _story(host_id: str, group: Group, minute: int) -> str:
    return alert_id(minute, f"{host_id}\0{group}\0{minute}", "")


def _in_container(process: Process, number: int, time: int) -> int:
    """Return when the act began that an event at `time` is a part of, in ns since the epoch.

    It began with the oldest of the nearest ancestors in the container that are young; if the process itself is old,
    with the event.
    """
    began, home, oldest = time, process.container, max(1, time - YOUNG)
    one: Process | None = process
    for _ in range(_DEPTH):
        if one is None or one.container != home or one.start < oldest:
            break
        began, one = one.start, one.parent_at(number)
    return began


def _in_session(process: Process, number: int, time: int) -> tuple[Group | None, int]:
    """Return the outermost session but one, or the only one, and when the act began, as `_in_container` within it.

    The last of several sessions is that of a daemon, in which unrelated sessions are started: sshd, a service manager.
    """
    inner: tuple[Group | None, int] = (None, time)
    session: Group | None = None
    until = began = time
    is_young, oldest = True, max(1, time - YOUNG)
    one: Process | None = process
    for _ in range(_DEPTH):
        if one is None or one.pid == _INIT:
            break
        is_young = is_young and one.start >= oldest
        if is_young:
            began = one.start
        is_inside = 0 <= one.vpid != one.pid
        if one.sid > _INIT or (is_inside and one.sid == _INIT):
            found = (one.pidns_start if is_inside else 0, one.sid)
            if found != session:
                inner, session = (session, until), found
            until = began
        one = one.parent_at(number)
    return (session, until) if inner[0] is None else inner
