"""The kernel filter of a call: made from a predicate, it decides if an event is discarded."""

import functools
from collections.abc import Callable
from typing import Final, NamedTuple

from mozu.core.abi.spec import NO_FD, RESULT, SyscallSpec
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    UNKNOWN,
    AllOf,
    AnyOf,
    Bounds,
    Formula,
    Leaf,
    Negation,
    all_of,
    any_of,
    leaves,
    necessary,
    negation,
)
from mozu.core.model.syscalls import event_type
from mozu.plugins.sources.ebpf.assembly import ProgramTooLong
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import AddressMaps
from mozu.plugins.sources.ebpf.kernel_filter.check import NEVER, Check, assumed, cost, has
from mozu.plugins.sources.ebpf.kernel_filter.ends import lists_of, of_ends, with_fitting_lists
from mozu.plugins.sources.ebpf.kernel_filter.exact_match import named_by, reads_no_more
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import (
    OpenedName,
    failed_program,
    open_program,
    plain_program,
)
from mozu.plugins.sources.ebpf.kernel_filter.flags import of_argument
from mozu.plugins.sources.ebpf.kernel_filter.opens import of_open
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from mozu.plugins.sources.ebpf.kernel_filter.results import DONE, of_made_descriptor, of_result
from mozu.plugins.sources.ebpf.kernel_filter.sockets import of_socket
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

MAX_COST: Final = 6000
"""Most comparisons of a function. More might exceed the verifier's limit of a million: the one of Linux 6.1 processes
337,419 instructions for 4,051 comparisons, and follows more of them twice if states differ."""
TOO_MANY: Final = "it has too many comparisons"
"""Reason for which a condition of more comparisons has no program."""
_FAMILIES: Final = frozenset(("open", "descriptor", "message", "transfer", "number", "path", "exec"))
"""Families whose calls can have a filter: at the exit of the call it reads what the event will contain. For execs that
is the exit of failed ones; a successful one passes in any case."""
_EXEC: Final = "exec"
_ABOUT_DESCRIPTORS: Final = frozenset(("descriptor", "message", "transfer"))


class FilterFunction(NamedTuple):
    """Test and program that decide if a call's event passes. Equal programs are one."""

    wanted: Formula
    code: RelocatableCode
    uses_process_predicates: bool = False
    """True if it reads the verdict on the process."""
    is_exact: bool = False
    """True if an event passes if and only if the predicate is true."""
    exact: Formula = FALSE
    """Further test of an event that passes by a test, true for exact matches (exact_match.py)."""
    maps: AddressMaps = AddressMaps(())
    """Maps of addresses and networks that it looks up."""

    @property
    def name(self) -> str:
        """Name of the program: the same for the same instructions."""
        return self.code.name


def filter_function_of(
    spec: SyscallSpec,
    predicate: Formula,
    process_predicates: ProcessPredicates,
    names: OpenedName = OpenedName.UNUSED,
    of_rules: Formula | None = None,
) -> FilterFunction | None:
    """Return the function of a call; None if every event passes, or none can be made.

    `of_rules`: the part of the predicate that can make an event an exact match, if it is not the whole.
    """
    family = spec.family
    if family not in _FAMILIES:
        return None
    bounds_in_call = _bounds_in(spec)
    tested = [(necessary(case, bounds_in_call), case) for case in alternatives(predicate)]
    if any(_is_common(bounds.true) for bounds, _ in tested):
        # Once a process is looked up, every further predicate about it is cheap.
        tested.sort(key=lambda pair: not _is_common(pair[0].true))
        wanted = any_of(all_of((bounds.true, process_predicates.test(case))) for bounds, case in tested)
    else:
        wanted = any_of(bounds.true for bounds, _ in tested)
    if family == _EXEC:
        wanted = assumed(wanted, {DONE: False})
    wanted = with_fitting_lists(wanted)
    if wanted is TRUE or cost(wanted) > MAX_COST:
        return None
    uses_processes = has(wanted, lambda check: check.of_process)
    named = predicate if of_rules is None else of_rules
    exact = _exact_match(named, wanted, spec, bounds_in_call, process_predicates if uses_processes else None)
    code = _program(wanted, spec, names, exact) or _program(wanted, spec, names, exact := FALSE)
    if code is None:
        return None
    maps = AddressMaps(lists_of(wanted))
    is_exact = names is OpenedName.UNUSED and all(tests_exactly(bounds) for bounds, _ in tested)
    return FilterFunction(
        wanted, code, uses_processes, is_exact and not uses_processes and family != _EXEC, exact, maps
    )


def _program(wanted: Formula, spec: SyscallSpec, names: OpenedName, exact: Formula) -> RelocatableCode | None:
    """Return the program; None if it would be too long."""
    try:
        if spec.family == "open":
            return _open_program(wanted, names, exact)
        if spec.family == _EXEC:
            return failed_program(wanted, exact)
        return plain_program(wanted, spec, exact)
    except ProgramTooLong:
        return None


@functools.lru_cache(maxsize=4)
def _open_program(wanted: Formula, names: OpenedName, exact: Formula) -> RelocatableCode:
    """Return the program of an open, cached: opens mostly have the same formula, and equal formulas are one object."""
    return open_program(wanted, names, exact)


def _exact_match(
    predicate: Formula, wanted: Formula, spec: SyscallSpec, bounds: Callable[[Leaf], Bounds],
    process_predicates: ProcessPredicates | None,
) -> Formula:  # fmt: skip
    """Return the condition that makes a passing event an exact match; FALSE if none can be tested."""
    exact = any_of(
        all_of((named, TRUE if process_predicates is None else process_predicates.test(case)))
        for case in alternatives(predicate)
        if (named := named_by(case, bounds)) is not TRUE
        and not (spec.family == "open" and _is_common(named))
    )
    reads_no_list_more = set(lists_of(exact)) <= set(lists_of(wanted))
    return exact if cost(exact) <= MAX_COST and reads_no_more(exact, wanted) and reads_no_list_more else FALSE


def first_inexact(spec: SyscallSpec, predicate: Formula) -> Comparison | None:
    """Return the first comparison of a predicate that the filter of a call does not test exactly; None if there is
    none."""
    for leaf in leaves(predicate):
        if isinstance(leaf, Comparison) and not (spec.family in _FAMILIES and tests_exactly(bounds_of(leaf, spec))):
            return leaf
    return None


def alternatives(predicate: Formula) -> tuple[Formula, ...]:
    """Return the alternatives of a predicate, each of which lets an event pass."""
    if isinstance(predicate, Negation) and isinstance(predicate.part, AllOf):
        return tuple(map(negation, predicate.part.parts))
    return predicate.parts if isinstance(predicate, AnyOf) else (predicate,)


def _bounds_in(spec: SyscallSpec) -> Callable[[Leaf], Bounds]:
    """Return `bounds_of` for one call, with its results remembered: alternatives share comparisons."""
    known: dict[int, tuple[Leaf, Bounds]] = {}

    def bounds(leaf: Leaf) -> Bounds:
        found = known.get(id(leaf))
        if found is None:
            found = known[id(leaf)] = leaf, bounds_of(leaf, spec)
        return found[1]

    return bounds


def bounds_of(leaf: Leaf, spec: SyscallSpec) -> Bounds:
    """Return the kernel's tests of a comparison; UNKNOWN if there are none."""
    if not isinstance(leaf, Comparison):
        return UNKNOWN
    is_open = spec.family == "open"
    readers: tuple[Callable[[], Bounds | None], ...] = (
        lambda: of_result(leaf) if spec.family in ("open", _EXEC) or _has_result(spec) else None,
        lambda: of_open(leaf, spec.name) if is_open else None,
        lambda: of_made_descriptor(leaf) if spec.layout.fd == RESULT and spec.family in _ABOUT_DESCRIPTORS else None,
        lambda: of_socket(leaf, spec) if spec.layout.fd != NO_FD and spec.family in _ABOUT_DESCRIPTORS else None,
        lambda: of_ends(leaf, spec),
        lambda: of_argument(leaf, spec) if not is_open else None,
    )
    return next((found for read in readers if (found := read()) is not None), UNKNOWN)


def _has_result(spec: SyscallSpec) -> bool:
    """Return True if fields about the result have a value."""
    declared = event_type(spec.name)
    return spec.operands[:1] == ("r",) and declared is not None and not declared.own_params


def tests_exactly(bounds: Bounds) -> bool:
    """Return True if the tests are exact; those of paths and of ends never are: a path that is not normalized passes
    untested, and so does a connection whose ends are unknown."""
    return bounds.is_exact and not has(bounds.true, lambda check: check.of_name or check.of_end)


def _is_common(wanted: Formula) -> bool:
    """Return True if calls pass without a test of their path; then a test of the process is worthwhile."""

    def bounds(leaf: Leaf) -> Bounds:
        return NEVER if isinstance(leaf, Check) and leaf.of_name else UNKNOWN

    return necessary(wanted, bounds).true is TRUE
