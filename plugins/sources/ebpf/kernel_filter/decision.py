"""Instructions that decide a formula by jumps: no part is tested whose value no longer matters.

The instructions of single tests are an argument, `Tests`. Alternatives that compare the same number with different
constants become one binary search: of a hundred paths, `/etc/…`, `/usr/…`, the first four bytes are searched for among
those of all, then the next four among the remaining ones.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from mozu.core.filter.formula import (
    TRUE,
    AllOf,
    AnyOf,
    Constant,
    Formula,
    Leaf,
    Negation,
    all_of,
    any_of,
    negation,
    parts_of,
)
from mozu.core.model import trees
from mozu.plugins.sources.ebpf.assembly import CodeAssembler, Condition, Label, Register
from mozu.plugins.sources.ebpf.kernel_filter.check import Check

_SEARCHED: Final = 4
"""Least number of constants for a binary search; fewer are compared one after the other."""
_RANGE: Final = 3
"""Number of constants at which a binary search ends and compares one after the other."""

FOUND: Final = Register.R0
"""Register into which `Tests.load` loads a number."""


class Compared(NamedTuple):
    """Equivalence of a check with a number having one value."""

    number: object
    """Identity of the number; equal for the same one."""
    value: int
    """Unsigned."""
    wide: bool
    """True for a comparison of 64 bits, False for one of 32."""


class Targets(NamedTuple):
    """Labels to continue at: `hit` if true, `miss` if not; `following` is right behind the instructions."""

    hit: Label
    miss: Label
    following: Label | None

    @property
    def swapped(self) -> "Targets":
        """Targets of the negation."""
        return Targets(self.miss, self.hit, self.following)


class Tests(Protocol):
    """Generator of the instructions of single checks."""

    def compared(self, check: Check, *, sense: bool) -> Compared | None:
        """Return the number and its value for which the check is true (`sense`) or false; None for another kind of
        test."""

    def load(self, number: object) -> None:
        """Append a load of the number into FOUND."""

    def test(self, check: Check, targets: Targets, *, sense: bool) -> None:
        """Append a jump to `hit` if the check is true (`sense`) or false, else to `miss`."""


class _Case(NamedTuple):
    """A formula to decide, which hits if its value is `sense`."""

    formula: Formula
    sense: bool


class _Search(NamedTuple):
    """Alternatives that compare one number, with the remaining condition for each of its values."""

    number: Compared
    cases: dict[int, Formula]


_Task = tuple[_Case | _Search, Targets] | Label


def decide(
    code: CodeAssembler, formula: Formula, tests: Tests, hit: Label, miss: Label, following: Label | None
) -> None:
    """Append instructions that continue at `hit` if the formula is true, else at `miss`.

    `following`: the label that will be bound next.
    """
    costs = _Costs()
    waiting: list[_Task] = [(_Case(formula, sense=True), Targets(hit, miss, following))]
    while waiting:
        task = waiting.pop()
        if isinstance(task, Label):
            code.bind(task)
            continue
        what, targets = task
        if isinstance(what, _Search):
            waiting.extend(reversed(_searched(code, tests, what, targets)))
        elif isinstance(what.formula, Negation):
            waiting.append((_Case(what.formula.part, not what.sense), targets))
        elif isinstance(what.formula, AllOf | AnyOf):
            waiting.extend(reversed(_alternatives(tests, costs, what, targets)))
        elif isinstance(what.formula, Constant):
            target = targets.hit if what.formula.value is what.sense else targets.miss
            if target is not targets.following:
                code.jump(target)
        else:
            tests.test(_check(what.formula), targets, sense=what.sense)


def branch(
    code: CodeAssembler, condition: Condition, left: Register, right: Register | int, targets: Targets, *, wide: bool
) -> None:
    """Append a jump to `hit` if the comparison is true, else to `miss`."""
    if targets.following is targets.hit:
        code.jump_if(condition.inverse, left, right, targets.miss, wide=wide)
        return
    code.jump_if(condition, left, right, targets.hit, wide=wide)
    if targets.following is not targets.miss:
        code.jump(targets.miss)


class _Costs:
    """Costs of formulas, each computed once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Formula, int]] = {}
        """Costs by id, with the formula, whose id is thus not reused."""

    def of(self, formula: Formula) -> int:
        """Return the cost of a formula; see `cost`."""
        return trees.fold(formula, lambda node: () if id(node) in self._known else parts_of(node), self._visit)

    def _visit(self, node: Formula, inner: list[int]) -> int:
        if id(node) not in self._known:
            self._known[id(node)] = node, node.cost if isinstance(node, Check) else sum(inner)
        return self._known[id(node)][1]


def _alternatives(tests: Tests, costs: _Costs, case: _Case, targets: Targets) -> list[_Task]:
    """Return tasks that test one part after the other, the cheap ones first, until one decides.

    All parts are true if none is false: `all` is the negation of an `any` with exchanged targets.
    """
    node = case.formula
    assert isinstance(node, AllOf | AnyOf)
    sense = isinstance(node, AnyOf)
    if sense is not case.sense:
        targets = targets.swapped
    units = _units(tests, costs, [_Case(part, sense) for part in node.parts])
    tasks: list[_Task] = []
    for unit in units[:-1]:
        after = Label()
        tasks += [(unit, Targets(targets.hit, after, after)), after]
    tasks.append((units[-1], targets))
    return tasks


def _units(tests: Tests, costs: _Costs, cases: Sequence[_Case]) -> list[_Case | _Search]:
    """Return the alternatives, with searchable ones joined; the cheap ones first."""
    left = {index: _conditions(case) for index, case in enumerate(cases)}
    units: list[tuple[int, _Case | _Search]] = []
    while (number := _most_compared(tests, left.values())) is not None:
        found: dict[int, list[Formula]] = {}
        for index, conditions in list(left.items()):
            at = next((at for at, one in enumerate(conditions) if _is_of(tests, one, number)), None)
            if at is not None:
                value = _compared(tests, conditions[at])
                assert value is not None
                rest = all_of(_formula(one) for one in conditions[:at] + conditions[at + 1 :])
                found.setdefault(value.value, []).append(rest)
                del left[index]
        units.append((len(found).bit_length(), _Search(number, {value: any_of(rest) for value, rest in found.items()})))
    units += [(costs.of(cases[index].formula), cases[index]) for index in left]
    return [unit for _, unit in sorted(units, key=lambda pair: pair[0])]


def _conditions(case: _Case) -> list[_Case]:
    """Return the conditions that must all be true for the case to be true."""
    formula, sense = case
    while isinstance(formula, Negation):
        formula, sense = formula.part, not sense
    if isinstance(formula, AllOf if sense else AnyOf):
        return [_Case(part, sense) for part in formula.parts]
    return [_Case(formula, sense)]


def _formula(case: _Case) -> Formula:
    return case.formula if case.sense else negation(case.formula)


def _check(leaf: Formula) -> Check:
    assert isinstance(leaf, Check)
    return leaf


def _compared(tests: Tests, case: _Case) -> Compared | None:
    formula, sense = case
    while isinstance(formula, Negation):
        formula, sense = formula.part, not sense
    return tests.compared(_check(formula), sense=sense) if isinstance(formula, Leaf) else None


def _is_of(tests: Tests, case: _Case, number: Compared) -> bool:
    found = _compared(tests, case)
    return found is not None and found.number == number.number


def _most_compared(tests: Tests, alternatives: Iterable[Sequence[_Case]]) -> Compared | None:
    """Return the number that is compared with most constants; None if there are too few for a search."""
    uses: Counter[object] = Counter()
    first: dict[object, Compared] = {}
    seen: set[tuple[object, int]] = set()
    for conditions in alternatives:
        for one in conditions:
            found = _compared(tests, one)
            if found is not None and (found.number, found.value) not in seen:
                seen.add((found.number, found.value))
                uses[found.number] += 1
                first.setdefault(found.number, found)
    best = max(uses, key=lambda number: uses[number], default=None)
    return first[best] if best is not None and uses[best] >= _SEARCHED else None


def _searched(code: CodeAssembler, tests: Tests, search: _Search, targets: Targets) -> list[_Task]:
    """Load the number, find its value among the constants, and continue with its remaining condition."""
    tests.load(search.number.number)
    values = sorted(search.cases)
    bodies = {value: Label() for value in values if search.cases[value] is not TRUE}
    ranges = [(0, len(values), Label())]
    while ranges:
        low, high, label = ranges.pop()
        code.bind(label)
        middle, above = (low + high) // 2, Label()
        if high - low <= _RANGE:
            for value in values[low:high]:
                code.jump_if(Condition.EQ, FOUND, value, bodies.get(value, targets.hit), wide=search.number.wide)
            code.jump(targets.miss)
            continue
        code.jump_if(Condition.GE, FOUND, values[middle], above, wide=search.number.wide)
        ranges += [(middle, high, above), (low, middle, Label())]
    tasks: list[_Task] = []
    for value, label in bodies.items():
        tasks += [label, (_Case(search.cases[value], sense=True), targets._replace(following=None))]
    if tasks:
        tasks[-1] = (_Case(search.cases[list(bodies)[-1]], sense=True), targets)
    return tasks
