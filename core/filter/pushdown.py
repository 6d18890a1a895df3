"""Predicate pushdown: what a source can filter of a demand, for people to read (`mozu rules explain`, `mozu why`)."""

from collections.abc import Callable
from enum import Enum

import msgspec

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import TRUE, Formula


class Precision(Enum):
    """How much a source's filter says of one event type."""

    EXACT = "exact"
    """An event passes if and only if the predicate is true: the source's answer is the rule's."""
    NECESSARY = "necessary"
    """It discards events for which the predicate is false, but not all of them."""
    NONE = "none"
    """Every event passes."""


def untested(predicate: Formula) -> Formula:
    """Of a source that tests nothing."""
    return TRUE


class Pushdown(msgspec.Struct, frozen=True):
    """What a source can filter of one event type."""

    precision: Precision
    inexact: Comparison | None = None
    """The first comparison that it does not test exactly."""
    undecided: Comparison | str | None = "the source does not act in the kernel"
    """Why it cannot kill for such an event in the kernel, where this is the demand of one rule: the first comparison
    that it does not decide for good, or a sentence. None: it can."""
    passing: Formula = TRUE
    """Holds of every event that passes."""
    tested: Callable[[Formula], Formula] = untested
    """Predicate of the demand, or a part of it (of one rule) → what the filter tests of it, where the process is known
    and the path, if there is one, needs no resolution; other events pass some tests unasked."""
    undenied: Comparison | str | None = "the source denies nothing in the kernel"
    """The same of denying such a call there, before it does anything."""
