"""Decisions about conditions without an event: can one satisfy it, does one condition imply another?

The decisions are sound and incomplete: "no event" and "implies" are proofs; the other answer may also mean that the
search knows too little about a field, or that the effort was spent.
"""

from mozu.core.language.conditions.decide.search import EFFORT, can_hold, implies

__all__ = ["EFFORT", "can_hold", "implies"]
