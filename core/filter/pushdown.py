"""Predicate pushdown: what a source can filter of a demand, for people to read (`mozu rules explain`)."""

from enum import Enum

import msgspec

from mozu.core.filter.comparison import Comparison


class Precision(Enum):
    """How much a source's filter says of one event type."""

    EXACT = "exact"
    """An event passes if and only if the predicate is true: the source's answer is the rule's."""
    NECESSARY = "necessary"
    """It discards events for which the predicate is false, but not all of them."""
    NONE = "none"
    """Every event passes."""


class Pushdown(msgspec.Struct, frozen=True):
    """What a source can filter of one event type."""

    precision: Precision
    inexact: Comparison | None = None
    """The first comparison that it does not test exactly."""
