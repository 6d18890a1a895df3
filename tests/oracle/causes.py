"""Documented differences: each cause is a heading of docs/falco-compatibility.md and a test on one disagreement.

A cause looks at the rule, the field and the values, never at the name of a scenario.
"""

from collections.abc import Callable

from tests.oracle.compare import Difference
from tests.oracle.scenario import Scenario

Predicate = Callable[[Difference, Scenario], bool]

CAUSES: dict[str, Predicate] = {}
"""Name (as in the document) → whether it explains a difference."""


def cause_of(difference: Difference, scenario: Scenario) -> str:
    """The first cause that explains it, or empty."""
    return next((name for name, explains in CAUSES.items() if explains(difference, scenario)), "")
