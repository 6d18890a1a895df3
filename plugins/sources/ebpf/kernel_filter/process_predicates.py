"""Process predicates: conditions on lasting values of process fields alone. User space evaluates them; the kernel has a
bit for each."""

from collections.abc import Iterable
from typing import Final

from mozu.core.filter.comparison import Comparison, fields_of
from mozu.core.filter.formula import TRUE, UNKNOWN, Bounds, Formula, Leaf, exactly, necessary
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.dependency import EXEC_INVARIANT, Dependency
from mozu.plugins.sources.ebpf.kernel_filter.check import ProcessCheck

MOST: Final = 64
"""Bits of a verdict (struct verdicts of bpf/process_verdicts.h)."""


OBSERVED: Final = frozenset({Dependency.IMAGE, Dependency.CGROUP})
"""Changes after which the kernel deletes the verdict on a process: exec (renew_verdicts of bpf/process_verdicts.h), and
a move to another cgroup (forget_moved of bpf/cgroup_move.h). Children inherit both, and the verdict."""


def cacheable_fields(fields: FieldRegistry, *, sees_moves: bool = True) -> list[str]:
    """Return the fields that a verdict may depend on: those that depend only on changes observed by the kernel.

    `sees_moves`: True if this kernel has the tracepoint cgroup_attach_task.
    """
    observed = OBSERVED if sees_moves else EXEC_INVARIANT
    return [field.name for field in fields if field.depends <= observed]


class ProcessPredicates:
    """Process predicates of all functions, with their numbers. `fields`: fields that may occur in them."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = frozenset(fields)
        self._numbers: dict[int, int] = {}
        self._tests: dict[int, tuple[Formula, Formula]] = {}
        """Predicates asked about before, by id, with their tests: calls of one family mostly have the same."""
        self.predicates: list[Formula] = []
        """Predicates in the order of their bits."""

    def test(self, predicate: Formula) -> Formula:
        """Return the test for a predicate's necessary condition on the process alone."""
        known = self._tests.get(id(predicate))
        if known is None:
            known = self._tests[id(predicate)] = predicate, self._test(predicate)
        return known[1]

    def _test(self, predicate: Formula) -> Formula:
        needed = necessary(predicate, self._bounds).true
        if needed is TRUE:
            return TRUE
        if id(needed) not in self._numbers:
            if len(self.predicates) == MOST:
                return TRUE
            self._numbers[id(needed)] = len(self.predicates)
            self.predicates.append(needed)
        return ProcessCheck(self._numbers[id(needed)])

    def _bounds(self, leaf: Leaf) -> Bounds:
        if isinstance(leaf, Comparison) and all(field.name in self._fields for field in fields_of(leaf)):
            return exactly(leaf)
        return UNKNOWN
