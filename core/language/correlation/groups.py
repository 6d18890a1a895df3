"""The groups of one correlation: values of `group-by` → what was matched, bounded in number.

Groups are in two generations. A group that a match touches moves to the young one; whenever a timespan has passed, the
old one, which holds only what is too old to count, is dropped, and the young one becomes the old one. At the bound a
sixteenth of all groups is dropped, of the accounts (a user in a container) with the most, so that a flood evicts its
own groups.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any, Final

import msgspec

from mozu.core.model.value_types import FieldValue

OutputValues = Mapping[str, FieldValue]
"""Values of fields that outputs show, by field."""
_SHARE: Final = 16
"""The part of all groups that one eviction takes: one scan serves many new groups, of any account."""


class Group(msgspec.Struct, gc=False, eq=False):
    """The matches of one group that can still count."""

    account: Hashable
    content: Any = None
    """State of the correlation's type; None until the first match, and after an alert."""
    output_values: dict[int, tuple[int, OutputValues]] | None = None
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
        """Drop a sixteenth of all groups, of the accounts with the most, those first that were touched least
        recently."""
        quota = max(1, self.most // _SHARE)
        counts = self._in_old + self._in_young
        self.last_evicted = max(counts, key=counts.__getitem__)
        excess = _excess(counts, quota)
        for held, own in ((self._old, self._in_old), (self._young, self._in_young)):
            for key, account in [(key, group.account) for key, group in held.items() if group.account in excess]:
                if not quota:
                    return
                if excess[account]:
                    excess[account] -= 1
                    quota -= 1
                    del held[key]
                    own[account] -= 1
                    self.evicted += 1


def _excess(counts: Counter[Hashable], quota: int) -> dict[Hashable, int]:
    """Return account → number of groups above a level, for the accounts with the most: `quota` or more in all."""
    ordered = counts.most_common()
    total = 0
    for number, (_, count) in enumerate(ordered, 1):
        total += count
        below = ordered[number][1] if number < len(ordered) else 0
        if total - number * below >= quota:
            level = (total - quota) // number
            return {account: held - level for account, held in ordered[:number]}
    return dict(ordered)
