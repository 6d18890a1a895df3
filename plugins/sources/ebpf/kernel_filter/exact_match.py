"""Exact matches: calls that a rule names, and not only fails to exclude.

An event is an exact match if all that an alternative of the predicate requires of the call itself (`evt.*`, `fd.*`,
`fs.*`) was tested in the kernel and is true, including a path if the call opens one. The rest, about the process, its
user or its container, is left to user space. Exact matches wake mozu at once and may use the reserve of the ring buffer
(bpf/accounts.h): that changes when an event is read, never the result of a rule.
"""

from collections.abc import Callable
from typing import Final

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, UNKNOWN, Bounds, Formula, Leaf, complement, necessary
from mozu.plugins.sources.ebpf.kernel_filter.check import Subject, checks, has
from mozu.plugins.sources.ebpf.kernel_filter.sockets import is_about_protocols

_OF_THE_CALL: Final = ("evt.", "fd.", "fs.")
_NEVER_SURE: Final = Bounds(FALSE, FALSE)
"""Bounds of a comparison that the kernel cannot test: neither surely true nor surely false."""


def named_by(case: Formula, bounds: Callable[[Leaf], Bounds]) -> Formula:
    """Return the condition for a call to be named by this alternative; FALSE if it cannot be tested.

    `bounds`: the kernel's tests of a comparison.
    """

    def sure(leaf: Leaf) -> Bounds:
        if not isinstance(leaf, Comparison) or not leaf.field:
            return _NEVER_SURE
        if not leaf.field.startswith(_OF_THE_CALL):
            return UNKNOWN
        found = bounds(leaf)
        return Bounds(complement(found.false), complement(found.true))

    return necessary(case, sure).true


def reads_no_more(exact: Formula, wanted: Formula) -> bool:
    """Return True if `wanted` has read all subjects of `exact`; an unread socket is read later."""
    read = _read(wanted)
    needs_protocol = has(exact, is_about_protocols) and not has(wanted, is_about_protocols)
    return not (needs_protocol and Subject.SOCKET in read) and _read(exact) <= read | {Subject.SOCKET}


def _read(formula: Formula) -> set[Subject]:
    always = {Subject.CALL, Subject.OPEN}
    return {check.subject for check in checks(formula)} - always
