"""Predicate pushdown: the filtering that a source can do of a demand, for people to read (`mozu rules explain`, `mozu
why`)."""

from collections.abc import Callable
from enum import Enum

import msgspec

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import TRUE, Formula


class Precision(Enum):
    """The precision of a source's filter for one event type."""

    EXACT = "exact"
    """An event passes if and only if the predicate is true: the source's answer is the rule's."""
    NECESSARY = "necessary"
    """The filter discards some, but not all, events for which the predicate is false."""
    NONE = "none"
    """Every event passes."""


def untested(predicate: Formula) -> Formula:
    """Return TRUE, for a source that tests nothing."""
    return TRUE


class Pushdown(msgspec.Struct, frozen=True):
    """The filtering that a source can do for one event type."""

    precision: Precision
    inexact: Comparison | None = None
    """The first comparison that the filter does not test exactly."""
    undecided: Comparison | str | None = "the source does not act in the kernel"
    """The reason why the source cannot kill for such an event in the kernel, if this is the demand of one rule: the
    first comparison that it does not decide for good, or a sentence. None if it can."""
    passing: Formula = TRUE
    """A formula that holds of every event that passes."""
    tested: Callable[[Formula], Formula] = untested
    """Function from a predicate of the demand, or a part of it (of one rule), to what the filter tests of it, if the
    process is known and the path, if there is one, needs no resolution; other events pass some tests unchecked."""
    undenied: Comparison | str | None = "the source denies nothing in the kernel"
    """The reason why the source cannot deny such a call in the kernel, before it does anything; see `undecided`."""
