"""Budgets of acts: for a rule, for an account, in all. Time is an argument.

An account (the container, else the user) has a share of its own, so that an account that raises alerts on purpose
spends only its own. An account without an act of a rule in the last minute may use up to twice the rule's bound, and
one with fewer than `_RESERVED` acts up to twice the total: many accounts together mean a compromised machine or a wrong
rule, and both end there. Containers and users have separate bounds: a user who may start containers has as many
accounts as containers, but can only spend the bounds of containers.
"""

from collections import deque
from typing import Final

import msgspec

_MINUTE: Final = 60.0
_RESERVED: Final = 2
"""Acts of an account within a minute that other accounts cannot spend."""
_MOST_KEYS: Final = 4096
"""Number of accounts and rules above which idle ones are removed."""


class ActBounds(msgspec.Struct, frozen=True):
    """Bounds of acts within a minute."""

    account: int = 5
    """Most acts for one account and one rule."""
    total: int = 30


_DEFAULT: Final = ActBounds()


class Budget:
    """Acts spent by rules and accounts in a run."""

    def __init__(self, bounds: ActBounds = _DEFAULT) -> None:
        self._bounds = bounds
        self._spent: dict[tuple[str, str], deque[float]] = {}

    def take(self, rule: str, account: str, per_minute: int, now: float) -> str:
        """Spend one act. Return the reason if none is left, else an empty text. `per_minute`: bound of the rule with
        this responder."""
        reason = self.look(rule, account, per_minute, now)
        if not reason:
            for key in _keys(rule, account):
                self._spent.setdefault(key, deque()).append(now)
        return reason

    def look(self, rule: str, account: str, per_minute: int, now: float) -> str:
        """Return the reason if no act is left, else an empty text, without spending one."""
        of_rule, of_account, of_all, total = (self._recent(key, now) for key in _keys(rule, account))
        bound = per_minute * (1 if of_account else 2)
        if len(of_rule) >= bound:
            return f"the rule has had its {bound} acts on {_kind(account)}s in a minute"
        if len(of_account) >= self._bounds.account:
            return f"{account} has had its {self._bounds.account} acts of this rule in a minute"
        bound = self._bounds.total * (2 if len(of_all) < _RESERVED else 1)
        if len(total) >= bound:
            return f"all rules together have had their {bound} acts on {_kind(account)}s in a minute"
        return ""

    def _recent(self, key: tuple[str, str], now: float) -> deque[float]:
        spent = self._spent.setdefault(key, deque())
        while spent and now - spent[0] >= _MINUTE:
            spent.popleft()
        if len(self._spent) > _MOST_KEYS:
            for other in [one for one, times in self._spent.items() if not times and one != key]:
                del self._spent[other]
        return spent


def _keys(rule: str, account: str) -> tuple[tuple[str, str], ...]:
    kind = _kind(account)
    return (("rule", f"{rule}\0{kind}"), ("account", f"{rule}\0{account}"), ("all", account), ("total", kind))


def _kind(account: str) -> str:
    """Return `container`, or `user` for all else."""
    return "container" if account.startswith("container ") else "user"


class FirstOfAMinute:
    """Filter for reports: once a minute per key; others are only counted."""

    def __init__(self) -> None:
        self._reported: dict[str, float] = {}

    def is_first(self, key: str, now: float) -> bool:
        """Return True if this occurrence is to be reported."""
        if now - self._reported.get(key, -_MINUTE) < _MINUTE:
            return False
        if len(self._reported) >= _MOST_KEYS:
            self._reported.clear()
        self._reported[key] = now
        return True
