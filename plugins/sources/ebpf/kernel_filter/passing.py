"""Facts about every event that the filter of a call lets pass, as comparisons of rules, for users.

The filter makes checks that cannot be made on events in user space; here a comparison replaces its check if both are
equivalent. A weaker check of a path becomes a comparison of that path; other weaker checks are left out.
"""

from collections.abc import Collection, Sequence
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.comparison import Comparison, compare, fields_of
from mozu.core.filter.formula import (
    TRUE,
    UNKNOWN,
    Bounds,
    Formula,
    Leaf,
    all_of,
    any_of,
    at_most,
    exactly,
    necessary,
)
from mozu.plugins.sources.ebpf.kernel_filter.check import BytesCheck, NamePart, SearchCheck, Subject
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import (
    FilterFunction,
    alternatives,
    bounds_of,
    tests_exactly,
)

_SUCCEEDED: Final = compare("evt.failed", "=", ("false",))
_PATHS: Final = {Subject.NAME: "fd.name", Subject.REAL: "fd.realpath"}


def passing(spec: SyscallSpec, predicate: Formula) -> Formula:
    """Return a formula that is true for every event that the filter of a call lets pass."""

    def of_call(leaf: Leaf) -> Bounds:
        return exactly(leaf) if tests_exactly(bounds_of(leaf, spec)) else UNKNOWN

    return any_of((*(necessary(case, of_call).true for case in alternatives(predicate)), *_unfiltered(spec)))


def checked_part(
    predicate: Formula,
    function: FilterFunction,
    spec: SyscallSpec,
    process_predicates: Sequence[Formula],
    process_fields: Collection[str],
) -> Formula:
    """Return the filter's test of a predicate, or of a part of it, for a normalized path and a known process."""

    def of_plain_call(leaf: Leaf) -> Bounds:
        bounds = bounds_of(leaf, spec)
        return exactly(leaf) if bounds.is_exact else Bounds(_in_words(bounds.true), _in_words(bounds.false))

    def of_process(leaf: Leaf) -> Bounds:
        known = isinstance(leaf, Comparison) and all(field.name in process_fields for field in fields_of(leaf))
        return exactly(leaf) if known else UNKNOWN

    def process_part(case: Formula) -> Formula:
        needed = necessary(case, of_process).true
        is_used = function.uses_process_predicates and any(needed is one for one in process_predicates)
        return needed if is_used else TRUE

    cases = alternatives(predicate)
    tested = (all_of((necessary(case, of_plain_call).true, process_part(case))) for case in cases)
    return any_of((*tested, *_unfiltered(spec)))


def _unfiltered(spec: SyscallSpec) -> tuple[Formula, ...]:
    """Return conditions of events that do not come through the filter."""
    return (_SUCCEEDED,) if spec.family == "exec" else ()


def _in_words(wanted: Formula) -> Formula:
    """Return the comparisons of the path in a formula of checks."""
    return necessary(wanted, _comparison).true


def _comparison(check: Leaf) -> Bounds:
    if isinstance(check, SearchCheck):
        return exactly(compare(_PATHS[check.about], "contains", (check.text.decode(),)))
    if not isinstance(check, BytesCheck):
        return UNKNOWN
    path = _PATHS[check.about]
    value = check.value.removesuffix(b"\0").decode()
    if check.part is NamePart.START:
        return exactly(compare(path, "=" if check.value.endswith(b"\0") else "startswith", (value,)))
    if check.part is NamePart.END:
        return exactly(compare(path, "endswith", (value,)))
    return at_most(compare(path, "contains", (value,)))
