"""The groups of one correlation: values of `group-by` → what was matched, bounded in number.

Groups are in two generations. A group that a match touches moves to the young one; whenever a timespan has passed, the
old one, which holds only what is too old to count, is dropped, and the young one becomes the old one. At the bound the
account (a user, a container) with the most groups loses the eighth of them that was touched least recently, so that a
flood evicts its own groups.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from mozu.core.model.value_types import FieldValue

Told = Mapping[str, FieldValue]
"""Values of fields that outputs show, by field."""
_SHARE: Final = 8
"""The part of the groups of an account that one eviction takes: scanning for them is paid for by many new groups."""


class Group(msgspec.Struct, gc=False, eq=False):
    """What was matched in one group."""

    account: Hashable
    content: Any = None
    """What counts; None until the first match, and after an alert."""
    told: dict[int, tuple[int, Told]] | None = None
    """Step → time of its newest match, and its values for outputs; None if outputs show none."""
    alerted: int | None = None
    """Newest time of the correlation at the last alert."""
    silenced: int = 0
    """Number of matches since that alert that were in the same timespan."""


class Groups:
    """Groups of at most `most` keys."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.evicted = 0
        """Number of groups that were evicted."""
        self.last_evicted: Hashable = None
        """Account of the last eviction."""
        self._young: dict[Hashable, Group] = {}
        self._old: dict[Hashable, Group] = {}
        self._in_young: Counter[Hashable] = Counter()
        self._in_old: Counter[Hashable] = Counter()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def is_young(self, key: Hashable) -> bool:
        """Return True if the key's group is there, and was touched since the last turn."""
        return key in self._young

    def group(self, key: Hashable, account: Hashable) -> Group:
        """Return the group of a key, made if it is new; it is the one touched most recently."""
        found = self._young.get(key)
        if found is not None:
            return found
        found = self._old.pop(key, None)
        if found is not None:
            self._in_old[found.account] -= 1
        else:
            if len(self._young) + len(self._old) >= self.most:
                self._evict()
            found = Group(account)
        self._young[key] = found
        self._in_young[found.account] += 1
        return found

    def turn(self) -> None:
        """Drop what no match has touched since the last turn."""
        self._old, self._in_old = self._young, self._in_young
        self._young, self._in_young = {}, Counter()

    def clear(self) -> None:
        """Drop every group."""
        self.turn()
        self.turn()

    def _evict(self) -> None:
        """Drop the eighth of the groups of the account with the most, those first that were touched least recently."""
        both = self._in_old + self._in_young
        account, count = max(both.items(), key=lambda one: one[1])
        found = (
            (held, counts, key)
            for held, counts in ((self._old, self._in_old), (self._young, self._in_young))
            for key, group in held.items()
            if group.account == account
        )
        for held, counts, key in list(islice(found, max(1, count // _SHARE))):
            del held[key]
            counts[account] -= 1
            self.evicted += 1
        self.last_evicted = account
