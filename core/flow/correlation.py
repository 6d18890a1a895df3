"""Correlation: alerts that belong together carry one id (`Alert.correlation_uid`): a burst of them reads as one story.

Alerts belong together if their events come from one container, or, on the host, from one session (setsid(2)) or from a
session that was started in it, and follow each other within GAP. The id is that of the story's first alert, which is
thus not held back; the same alerts in the same order have the same ids. A story ends GAP after its last alert or LENGTH
after its first; beyond MOST groups the group whose last alert is oldest is forgotten.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from mozu.core.model.event import Event, Process, SyscallEvent

GAP: Final = 10 * 10**9
"""ns between two alerts of a story."""
LENGTH: Final = 300 * 10**9
"""ns from the first to the last alert of a story."""
MOST: Final = 10_000
"""Groups that have a story at the same time."""
_INIT: Final = 1
_DEPTH: Final = 64
"""The most ancestors that are examined."""

Group = str | tuple[int, int]
"""The key that the events of a story share: a container's id, or a session: the start of its pid namespace and its id
there. The kernel gives a session's number to no other process while one of its processes lives."""


class _Story(msgspec.Struct):
    uid: str
    began: int
    latest: int

    def goes_on(self, time: int) -> bool:
        """Return True if an alert at `time` (ns since the epoch) is still a part of the story. Events of two sources,
        and events after a wall clock was set back, may come in any order."""
        return abs(time - self.latest) <= GAP and abs(time - self.began) <= LENGTH


class Correlation:
    """The stories that have not ended."""

    def __init__(self) -> None:
        self._stories: OrderedDict[Group, _Story] = OrderedDict()
        """The groups, ordered by the last alert of their story, newest last."""

    def uid(self, event: Event | None, alert_id: str) -> str:
        """Return the id of the story that an alert about `event` belongs to; empty if the event is of no process."""
        groups = _groups(event) if isinstance(event, SyscallEvent) else []
        if not groups or event is None:
            return ""
        time = event.time
        known = [self._stories[group] for group in groups if group in self._stories]
        going = [story for story in known if story.goes_on(time)]
        story = min(going, key=lambda one: one.began) if going else _Story(alert_id, time, time)
        story.latest = max(story.latest, time)
        for group in groups[: 1 + (len(groups) > 2)]:
            self._stories[group] = story
            self._stories.move_to_end(group)
        while len(self._stories) > MOST:
            self._stories.popitem(last=False)
        return story.uid


def _groups(event: SyscallEvent) -> list[Group]:
    """Return the event's container alone, or its session and the sessions that it was started in, the nearest first.

    The last of several sessions is that of a daemon, in which unrelated sessions are started: sshd, a service manager.
    """
    process = event.process
    if process is None:
        return []
    if process.container is not None:
        return [process.container.full_id]
    groups: list[Group] = []
    one: Process | None = process.main_at(event.num)
    for _ in range(_DEPTH):
        if one is None or one.pid == _INIT or one.sid <= _INIT:
            break
        group = (one.pidns_start, one.sid)
        if group not in groups[-1:]:
            groups.append(group)
        one = one.parent_at(event.num)
    return groups
