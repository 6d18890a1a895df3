"""Names of users and groups of one root directory, the host's or a container's, with a negative cache."""

import asyncio
import math
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from mozu.core.common.backoff import Backoff
from mozu.plugins.enrichers.users import rooted
from mozu.plugins.enrichers.users.passwd import PasswdEntry, parse_groups, parse_users
from mozu.plugins.enrichers.users.rooted import ABSENT, Stamp

T = TypeVar("T")

NEGATIVE_LIMIT: Final = 4096
"""Numbers without a line in the files that are cached per root; a process may setuid to four billion of them."""

_FIRST_RETRY, _LONGEST_RETRY = 2.0, 60.0
"""Seconds until a root that did not answer is read again."""

RECHECK_INTERVAL: Final = 0.05
"""Seconds between two reads for a number that the last one did not find: it may have been added this moment."""


class Limits(msgspec.Struct, frozen=True):
    """How much of a root's files is read."""

    size: int
    """Bytes of a file; a larger one counts as empty."""
    lines: int


class Content(msgspec.Struct, frozen=True):
    """What a read found; None where a file is unchanged."""

    stamps: tuple[Stamp, Stamp]
    users: dict[int, PasswdEntry] | None
    groups: dict[int, str] | None


class UserNames:
    """Look-ups by number, cleared when the files change. `root`: whose files, in words."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.users: dict[int, PasswdEntry | None] = {}
        """None: it was looked up, and there is none (negative cache)."""
        self.groups: dict[int, str | None] = {}
        self.stamps: tuple[Stamp, Stamp] = (ABSENT, ABSENT)
        self.checked = 0.0
        """When the files were last read (monotonic)."""
        self.generation = 0
        """The number of the last read; reads are numbered through all roots."""
        self.used = False
        """Whether a name was needed since the last read."""
        self.failed = False
        """The last read reached nothing: no process was left whose /proc/PID/root leads there."""
        self.hung: set[object] = set()
        """Reads that have begun and not returned: while there is one that was given up, no other begins."""
        self.backoff = Backoff(_FIRST_RETRY, _LONGEST_RETRY, jitter=0.0)
        """After a read that did not answer in time."""
        self.silent = False
        """The last read did not answer in time."""
        self.tried: set[int] = set()
        """Processes through which reads have failed."""
        self.pid = 0
        """The process seen last, of a container."""
        self.pids: tuple[int, ...] = ()
        """Others, of a container, that may live longer."""
        self.expiry: dict[tuple[bool, int], float] = {}
        """(is a user, number) → until when an answer that is not from the files is valid."""
        self.lock = asyncio.Lock()

    def has(self, uid: int, gid: int, loginuid: int) -> bool:
        """Whether every number has an answer; a loginuid below 0 is unset."""
        return uid in self.users and gid in self.groups and (loginuid < 0 or loginuid in self.users)

    def needs_retry(self, pid: int) -> bool:
        """Whether the last read failed and this process was not tried yet."""
        return self.failed and pid not in self.tried

    def may_be_read(self) -> bool:
        """Return false while a read hangs, and until the next attempt after one that did."""
        return not self.hung and self.backoff.left() == 0

    def watched(self, call: Callable[[], T]) -> Callable[[], T]:
        """Return the call, which keeps other reads away for as long as it runs on its thread."""
        mark = object()

        def run() -> T:
            self.hung.add(mark)
            try:
                return call()
            finally:
                self.hung.discard(mark)

        return run

    def candidate_pids(self) -> tuple[int, ...]:
        """The processes through which to reach the root; they count as tried."""
        pids = (self.pid, *self.pids)
        if len(self.tried) > NEGATIVE_LIMIT:
            self.tried.clear()
        self.tried.update(pids)
        return pids

    def update(self, content: Content) -> None:
        """A read of the files; where one has changed, answers from elsewhere are dropped."""
        self.stamps = content.stamps
        self.tried.clear()
        if content.users is not None or content.groups is not None:
            self.expire(math.inf)
        if content.users is not None:
            self.users = dict(content.users)
        if content.groups is not None:
            self.groups = dict(content.groups)

    def set_user(self, uid: int, user: PasswdEntry | None, until: float = math.inf) -> None:
        """An answer that is not from the files."""
        if uid >= 0 and uid not in self.users:
            self._make_room()
            self.users[uid] = user
            self.expiry[True, uid] = until

    def set_group(self, gid: int, name: str | None, until: float = math.inf) -> None:
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
        if len(self.expiry) >= NEGATIVE_LIMIT:
            self.expire(math.inf)


def read(root: int, stamps: tuple[Stamp, Stamp], limits: Limits) -> Content:
    """Read what has changed of a root's files; blocks. Raises OSError."""
    user_stamp, passwd = rooted.read(root, "etc/passwd", limit=limits.size, unless=stamps[0])
    group_stamp, group = rooted.read(root, "etc/group", limit=limits.size, unless=stamps[1])
    return Content(
        stamps=(user_stamp, group_stamp),
        users=None if user_stamp == stamps[0] else parse_users(passwd or b"", limits.lines),
        groups=None if group_stamp == stamps[1] else parse_groups(group or b"", limits.lines),
    )
