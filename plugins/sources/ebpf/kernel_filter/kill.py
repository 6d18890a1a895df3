"""Kill rules: conditions that the kernel decides exactly at the exit of a call, and the program that acts on them.

Necessary is not enough here: what is not decided is not done. A condition is decided if every comparison in it is, from
what the caller's threads cannot change any more: the result, numbers that were passed in registers, and the path that
the open has reached (`fd.realpath`). Not from the path as given, nor from flags that lie in memory (openat2): another
thread may write both while the call runs.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, TRUE, UNKNOWN, Bounds, Formula, Leaf, any_of, leaves, necessary
from mozu.plugins.sources.ebpf.assembly import ProgramTooLong
from mozu.plugins.sources.ebpf.kernel_filter.check import Check, Subject, cost, has
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import MAX_COST, bounds_of
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import kill_program
from mozu.plugins.sources.ebpf.relocatable import RelocatableCode

_FAMILIES: Final = frozenset(("open", "number"))
"""Whose calls a rule can kill for: what they are about is a number, or the file that was opened."""
_IN_MEMORY: Final = frozenset(("openat2",))
"""Whose flags and mode the caller passes in memory."""


class KillFunction(NamedTuple):
    """The program of the kill rules of one call."""

    code: RelocatableCode

    @property
    def name(self) -> str:
        """The same for the same instructions."""
        return self.code.name


def undecided(spec: SyscallSpec, predicate: Formula) -> Comparison | str | None:
    """Why the kernel cannot kill for a condition at this call: the first comparison that it does not decide, or a
    sentence; None: it can."""
    if spec.family not in _FAMILIES:
        return "what such a call is about is not resolved in the kernel"
    for leaf in leaves(predicate):
        if not isinstance(leaf, Comparison):
            return "a part of the condition is no comparison"
        if not _is_decided(bounds_of(leaf, spec), spec):
            return leaf
    formula = decided(spec, predicate)
    if formula is TRUE:
        return "it is true of every such call"
    return "it has too many comparisons" if cost(formula) > MAX_COST else None


def decided(spec: SyscallSpec, predicate: Formula) -> Formula:
    """What is tested of a condition of which everything is decided (`undecided`)."""

    def bounds(leaf: Leaf) -> Bounds:
        return bounds_of(leaf, spec) if isinstance(leaf, Comparison) else UNKNOWN

    return necessary(predicate, bounds).true


def kill_functions(rules: Sequence[Mapping[SyscallSpec, Formula]]) -> dict[str, KillFunction]:
    """Event type → its program. `rules`: the conditions of each rule, the first of which is number 1; of several that
    match, the first acts. A call is left out where its program would be too long."""
    found: dict[str, KillFunction] = {}
    by_call: dict[str, tuple[SyscallSpec, list[tuple[int, Formula]]]] = {}
    for number, conditions in enumerate(rules, 1):
        for spec, predicate in conditions.items():
            formula = decided(spec, predicate)
            if formula is not FALSE:
                by_call.setdefault(spec.name, (spec, []))[1].append((number, formula))
    for name, (spec, numbered) in sorted(by_call.items()):
        if cost(any_of(formula for _, formula in numbered)) > MAX_COST:
            continue
        try:
            found[name] = KillFunction(kill_program(numbered, spec))
        except ProgramTooLong:
            continue
    return found


def _is_decided(bounds: Bounds, spec: SyscallSpec) -> bool:
    return bounds.is_exact and not has(bounds.true, lambda check: not _is_lasting(check, spec))


def _is_lasting(check: Check, spec: SyscallSpec) -> bool:
    """Whether no thread can change what is tested between the call and its exit, short of closing the descriptor."""
    if check.subject is Subject.OPEN:
        return spec.name not in _IN_MEMORY
    return check.subject in (Subject.CALL, Subject.REAL)
