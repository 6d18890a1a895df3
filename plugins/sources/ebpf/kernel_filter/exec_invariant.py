"""Process predicates: on fields of the process alone whose value lasts. User space evaluates them; the kernel has a bit
for each."""

from collections.abc import Iterable
from typing import Final

from mozu.core.filter.comparison import Comparison, fields_of
from mozu.core.filter.formula import TRUE, UNKNOWN, Bounds, Formula, Leaf, exactly, necessary
from mozu.core.model.fields import FieldRegistry
from mozu.plugins.sources.ebpf.kernel_filter.check import Check

MOST: Final = 64
"""Bits of a verdict (struct verdicts of bpf/process_verdicts.h)."""


def lasting_fields(fields: FieldRegistry) -> list[str]:
    """Those whose value a process keeps until its next exec."""
    return [field.name for field in fields if "exec_invariant" in field.traits]


class ProcessPredicates:
    """Numbers the process predicates of all functions. `fields`: those that may stand in them."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = frozenset(fields)
        self._numbers: dict[int, int] = {}
        self.predicates: list[Formula] = []
        """In the order of their bits."""

    def test(self, predicate: Formula) -> Formula:
        """What a predicate needs of the process alone."""
        needed = necessary(predicate, self._bounds).true
        if needed is TRUE:
            return TRUE
        if id(needed) not in self._numbers:
            if len(self.predicates) == MOST:
                return TRUE
            self._numbers[id(needed)] = len(self.predicates)
            self.predicates.append(needed)
        return Check(f"bits >> {self._numbers[id(needed)]} & 1", of_process=True)

    def _bounds(self, leaf: Leaf) -> Bounds:
        if isinstance(leaf, Comparison) and all(field.name in self._fields for field in fields_of(leaf)):
            return exactly(leaf)
        return UNKNOWN
