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
"""Most numbers without a line in the files that are cached per root; a process may setuid to four billion of them."""

_FIRST_RETRY, _LONGEST_RETRY = 2.0, 60.0
"""Seconds until a root that did not answer is read again, at first and at most."""

RECHECK_INTERVAL: Final = 0.05
"""Seconds between two reads for a number that the last one did not find, since it may just have been added."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of a read of a root's files."""

    size: int
    """Most bytes of a file; a larger one counts as empty."""
    lines: int


class Content(msgspec.Struct, frozen=True):
    """Result of a read; None for unchanged files."""

    stamps: tuple[Stamp, Stamp]
    users: dict[int, PasswdEntry] | None
    groups: dict[int, str] | None


class UserNames:
    """Look-ups by number, cleared when the files change. `root`: the root in words, for logs."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.users: dict[int, PasswdEntry | None] = {}
        """Users by uid; None if a look-up found none (negative cache)."""
        self.groups: dict[int, str | None] = {}
        self.stamps: tuple[Stamp, Stamp] = (ABSENT, ABSENT)
        self.checked = 0.0
        """Time of the last read of the files (monotonic)."""
        self.generation = 0
        """Number of the last read; reads of all roots are numbered together."""
        self.used = False
        """True if a name was needed since the last read."""
        self.failed = False
        """True if the last read reached nothing: no process was left whose /proc/PID/root leads there."""
        self.hung: set[object] = set()
        """Reads that have begun and not returned; while there is an abandoned one, no other begins."""
        self.backoff = Backoff(_FIRST_RETRY, _LONGEST_RETRY, jitter=0.0)
        """Back-off after a read that did not answer in time."""
        self.silent = False
        """True if the last read did not answer in time."""
        self.tried: set[int] = set()
        """Processes by which reads have failed."""
        self.pid = 0
        """The process seen last in a container."""
        self.pids: tuple[int, ...] = ()
        """Other processes of a container, which may live longer."""
        self.expiry: dict[tuple[bool, int], float] = {}
        """Time until which an answer from elsewhere than the files is valid, by (is a user, number)."""
        self.lock = asyncio.Lock()

    def has(self, uid: int, gid: int, loginuid: int) -> bool:
        """Return True if every number has an answer; a loginuid below 0 is unset."""
        return uid in self.users and gid in self.groups and (loginuid < 0 or loginuid in self.users)

    def needs_retry(self, pid: int) -> bool:
        """Return True if the last read failed and this process was not tried yet."""
        return self.failed and pid not in self.tried

    def may_be_read(self) -> bool:
        """Return False while a read hangs, and until the next attempt after one that did."""
        return not self.hung and self.backoff.left() == 0

    def watched(self, call: Callable[[], T]) -> Callable[[], T]:
        """Return the call, which blocks other reads while it runs on its thread."""
        mark = object()

        def run() -> T:
            self.hung.add(mark)
            try:
                return call()
            finally:
                self.hung.discard(mark)

        return run

    def candidate_pids(self) -> tuple[int, ...]:
        """Return the processes by which to reach the root, and count them as tried."""
        pids = (self.pid, *self.pids)
        if len(self.tried) > NEGATIVE_LIMIT:
            self.tried.clear()
        self.tried.update(pids)
        return pids

    def update(self, content: Content) -> None:
        """Apply a read of the files; if one has changed, answers from elsewhere are dropped."""
        self.stamps = content.stamps
        self.tried.clear()
        if content.users is not None or content.groups is not None:
            self.expire(math.inf)
        if content.users is not None:
            self.users = dict(content.users)
        if content.groups is not None:
            self.groups = dict(content.groups)

    def set_user(self, uid: int, user: PasswdEntry | None, until: float = math.inf) -> None:
        """Add an answer from elsewhere than the files."""
        if uid >= 0 and uid not in self.users:
            self._make_room()
            self.users[uid] = user
            self.expiry[True, uid] = until

    def set_group(self, gid: int, name: str | None, until: float = math.inf) -> None:
        """Add an answer from elsewhere than the files."""
        if gid >= 0 and gid not in self.groups:
            self._make_room()
            self.groups[gid] = name
            self.expiry[False, gid] = until

    def expire(self, now: float) -> None:
        """Drop expired answers from elsewhere than the files."""
        for is_user, number in [key for key, when in self.expiry.items() if when <= now]:
            del self.expiry[is_user, number]
            (self.users if is_user else self.groups).pop(number, None)

    def _make_room(self) -> None:
        if len(self.expiry) >= NEGATIVE_LIMIT:
            self.expire(math.inf)


def read(root: int, stamps: tuple[Stamp, Stamp], limits: Limits) -> Content:
    """Read the changed files of a root; blocks. Raises OSError."""
    user_stamp, passwd = rooted.read(root, "etc/passwd", limit=limits.size, unless=stamps[0])
    group_stamp, group = rooted.read(root, "etc/group", limit=limits.size, unless=stamps[1])
    return Content(
        stamps=(user_stamp, group_stamp),
        users=None if user_stamp == stamps[0] else parse_users(passwd or b"", limits.lines),
        groups=None if group_stamp == stamps[1] else parse_groups(group or b"", limits.lines),
    )
