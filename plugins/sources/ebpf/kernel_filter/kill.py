"""Kill rules: conditions that the kernel decides exactly at the exit of a call (settled.py), and their programs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, TRUE, UNKNOWN, Formula, any_of, leaves, necessary
from mozu.plugins.sources.ebpf.assembly import ProgramTooLong
from mozu.plugins.sources.ebpf.kernel_filter.check import cost
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import MAX_COST, TOO_MANY
from mozu.plugins.sources.ebpf.kernel_filter.kill_program import kill_program
from mozu.plugins.sources.ebpf.kernel_filter.settled import EXECUTED, FAMILIES, holds_only_of_success, settled
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode


class KillFunction(NamedTuple):
    """The program of the kill rules of one call."""

    code: RelocatableCode

    @property
    def name(self) -> str:
        """Name of the program: the same for the same instructions."""
        return self.code.name


def undecided(spec: SyscallSpec, predicate: Formula) -> Comparison | str | None:
    """Return the reason for which the kernel cannot kill for a condition at this call: the first comparison that it
    does not decide, or a sentence; None if it can."""
    if spec.family not in FAMILIES:
        return "what such a call is about is not resolved in the kernel"
    for leaf in leaves(predicate):
        if not isinstance(leaf, Comparison):
            return "a part of the condition is no comparison"
        if len(leaf.values) > MAX_COST:  # before each of them is made a test
            return TOO_MANY
        if settled(leaf, spec) is UNKNOWN:
            return leaf
    formula = _settled(spec, predicate)
    if spec.family == "exec" and not holds_only_of_success(formula):
        return "it may hold of an exec that fails; add `evt.res = SUCCESS`"
    if formula is TRUE:
        return "it is true of every such call"
    return TOO_MANY if cost(formula) > MAX_COST else None


def decided(spec: SyscallSpec, predicate: Formula) -> Formula:
    """Return the tests of a condition that is entirely decided in the kernel (`undecided`)."""
    if spec.family == "exec" and spec.name != EXECUTED:
        return FALSE  # the events of this type are of calls that failed
    return _settled(spec, predicate)


def _settled(spec: SyscallSpec, predicate: Formula) -> Formula:
    return necessary(predicate, lambda leaf: settled(leaf, spec)).true


def kill_functions(rules: Sequence[Mapping[SyscallSpec, Formula]]) -> dict[str, KillFunction]:
    """Return the programs by event type. `rules`: the conditions of each rule; the first rule is number 1, and the
    first that matches acts. A call is left out if its program would be too long."""
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
