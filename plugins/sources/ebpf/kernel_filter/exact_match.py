"""Exact matches: calls that a rule names, and not only fails to rule out.

An event is one if everything that an alternative of the predicate says of the call itself (`evt.*`, `fd.*`, `fs.*`) was
tested in the kernel and holds, a path among it where the call opens one. What is left for user space is about the
process, its user or its container. Exact matches wake mozu at once and may use the reserve of the ring buffer
(bpf/accounts.h): that changes when an event is read, never whether a rule matches it.
"""

from collections.abc import Callable
from typing import Final

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, UNKNOWN, Bounds, Formula, Leaf, complement, necessary
from mozu.plugins.sources.ebpf.kernel_filter.check import Subject, checks, has
from mozu.plugins.sources.ebpf.kernel_filter.sockets import is_about_protocols

_OF_THE_CALL: Final = ("evt.", "fd.", "fs.")
_NEVER_SURE: Final = Bounds(FALSE, FALSE)
"""Of what the kernel cannot test: neither that it holds nor that it does not."""


def named_by(case: Formula, bounds: Callable[[Leaf], Bounds]) -> Formula:
    """What makes a call one that this alternative names; FALSE where that cannot be tested.

    `bounds`: what the kernel can test of a comparison.
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
    """Whether everything that it is about has been read for `wanted`; a socket is read late where it was not."""
    read = _read(wanted)
    needs_protocol = has(exact, is_about_protocols) and not has(wanted, is_about_protocols)
    return not (needs_protocol and Subject.SOCKET in read) and _read(exact) <= read | {Subject.SOCKET}


def _read(formula: Formula) -> set[Subject]:
    always = {Subject.CALL, Subject.OPEN}
    return {check.subject for check in checks(formula)} - always
