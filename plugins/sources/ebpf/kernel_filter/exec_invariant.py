"""Process predicates: on exec-invariant fields alone. User space evaluates them; the kernel has a bit for each."""

from collections.abc import Iterable
from typing import Final

from mozu.core.filter.predicate import TRUE, Comparison, Predicate, all_of, any_of, fold
from mozu.plugins.sources.ebpf.kernel_filter.expression import Check, Expression

MOST: Final = 64
"""Bits of a verdict (struct answers of bpf/record.h)."""


class ProcessPredicates:
    """Numbers the process predicates of all functions. `fields`: those that keep their value until the next exec."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = frozenset(fields)
        self._numbers: dict[str, int] = {}
        self.predicates: list[Predicate] = []
        """In the order of their bits."""

    def test(self, predicate: Predicate) -> Expression:
        """What a predicate needs of the process alone."""
        predicate = fold(predicate, self._alone, all_of, any_of)
        if predicate is TRUE:
            return True
        key = fold(predicate, str, "&{}".format, "|{}".format)
        if key not in self._numbers:
            if len(self.predicates) == MOST:
                return True
            self._numbers[key] = len(self.predicates)
            self.predicates.append(predicate)
        return Check(f"may >> {self._numbers[key]} & 1", of_process=True)

    def _alone(self, fact: Comparison) -> Predicate:
        return fact if fact.field.partition("[")[0] in self._fields else TRUE
