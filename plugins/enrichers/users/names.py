"""The names of one root directory: the host's, or one container's."""

import asyncio
import math
from typing import Final

import msgspec

from mozu.plugins.enrichers.users import database, rooted
from mozu.plugins.enrichers.users.database import PasswdEntry
from mozu.plugins.enrichers.users.rooted import ABSENT, Stamp

ASKED_LIMIT: Final = 4096
"""Numbers without a line in the files that are remembered per root; a process may walk through four billion."""

AGAIN: Final = 0.05
"""Seconds between two looks for a number that the last one did not find: it may have been added this moment."""

class Limits(msgspec.Struct, frozen=True):
    """How much of a root's files is believed."""

    size: int
    """Bytes of a file; a larger one counts as empty."""
    lines: int


class Content(msgspec.Struct, frozen=True):
    """What a reading found; None where a file is as it was."""

    stamps: tuple[Stamp, Stamp]
    users: dict[int, PasswdEntry] | None
    groups: dict[int, str] | None


class UserNames:
    """Look-ups by number. Replaced piece by piece when the files change."""

    def __init__(self) -> None:
        self.users: dict[int, PasswdEntry | None] = {}
        """None: it was asked for, and there is none."""
        self.groups: dict[int, str | None] = {}
        self.stamps: tuple[Stamp, Stamp] = (ABSENT, ABSENT)
        self.checked = 0.0
        """When the files were last looked at (monotonic)."""
        self.look = 0
        """The number of the last look; looks are numbered through all roots."""
        self.used = False
        """Whether anybody has asked since the last look."""
        self.failed = False
        """The last look reached nothing: no process was left to reach the root through."""
        self.silent = False
        """A look did not come back; there is none after it."""
        self.tried: set[int] = set()
        """Processes through which looks have failed."""
        self.pid = 0
        """The process seen last, of a container."""
        self.pids: tuple[int, ...] = ()
        """Others, of a container, that may live longer."""
        self.expiry: dict[tuple[bool, int], float] = {}
        """(is a user, number) → until when an answer that is not from the files stands."""
        self.lock = asyncio.Lock()

    def has(self, uid: int, gid: int, loginuid: int) -> bool:
        """Whether every number has an answer; a negative one is nobody's."""
        return uid in self.users and gid in self.groups and (loginuid < 0 or loginuid in self.users)

    def due(self, pid: int) -> bool:
        """Whether a process is a new way to what the last look did not reach; each is one once."""
        return self.failed and pid not in self.tried

    def tries(self) -> tuple[int, ...]:
        """The processes to reach the root through, now."""
        pids = (self.pid, *self.pids)
        if len(self.tried) > ASKED_LIMIT:
            self.tried.clear()
        self.tried.update(pids)
        return pids

    def take(self, content: Content) -> None:
        """A reading of the files; answers that they did not give are dropped with the file that changed."""
        self.stamps = content.stamps
        self.tried.clear()
        if content.users is not None or content.groups is not None:
            self.expire(math.inf)
        if content.users is not None:
            self.users = dict(content.users)
        if content.groups is not None:
            self.groups = dict(content.groups)

    def settle_user(self, uid: int, user: PasswdEntry | None, until: float = math.inf) -> None:
        """An answer that is not from the files."""
        if uid >= 0 and uid not in self.users:
            self._make_room()
            self.users[uid] = user
            self.expiry[True, uid] = until

    def settle_group(self, gid: int, name: str | None, until: float = math.inf) -> None:
        """An answer that is not from the files."""
        if gid >= 0 and gid not in self.groups:
            self._make_room()
            self.groups[gid] = name
            self.expiry[False, gid] = until

    def expire(self, now: float) -> None:
        """Drop answers that are not from the files and too old."""
        for is_user, number in [key for key, when in self.expiry.items() if when <= now]:
            del self.expiry[is_user, number]
            (self.users if is_user else self.groups).pop(number, None)

    def _make_room(self) -> None:
        if len(self.expiry) >= ASKED_LIMIT:
            self.expire(math.inf)


def read(root: int, stamps: tuple[Stamp, Stamp], limits: Limits) -> Content:
    """Read what has changed of a root's files; blocks. Raises OSError."""
    user_stamp, passwd = rooted.read(root, "etc/passwd", limit=limits.size, unless=stamps[0])
    group_stamp, group = rooted.read(root, "etc/group", limit=limits.size, unless=stamps[1])
    return Content(
        stamps=(user_stamp, group_stamp),
        users=None if user_stamp == stamps[0] else database.users(passwd or b"", limits.lines),
        groups=None if group_stamp == stamps[1] else database.groups(group or b"", limits.lines),
    )
