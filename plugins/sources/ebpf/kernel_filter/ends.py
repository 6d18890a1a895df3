"""Tests of the two ends of a socket that connects: of fd.sip, fd.cip, fd.rip, fd.lip, and of their networks."""

from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import UNKNOWN, Bounds, Formula, all_of, any_of, exactly, negation
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import AddressList, address_list, fitting
from mozu.plugins.sources.ebpf.kernel_filter.check import AddressCheck, Check, NumberCheck, Subject, checks, without

_CLIENT, _SERVER = (Subject.CLIENT,), (Subject.SERVER,)
_ENDS_OF: Final = {"c": _CLIENT, "s": _SERVER, "l": _CLIENT + _SERVER, "r": _CLIENT + _SERVER}
"""Ends that a field may be about, by its letter. The process connects, so it is the client; which end user space takes
for the local one depends on the machine's addresses."""
_FIELDS: Final = {
    f"fd.{letter}{kind}": (ends, kind == "net") for letter, ends in _ENDS_OF.items() for kind in ("ip", "net")
}
"""Field → (ends, True if its constants are networks)."""
_CALL: Final = "connect"


def of_ends(test: Comparison, spec: SyscallSpec) -> Bounds | None:
    """Return the bounds of a comparison with an end of a connection; None for another comparison, or another call."""
    if spec.name != _CALL or test.field not in _FIELDS:
        return None
    ends, of_networks = _FIELDS[test.field]
    listed = address_list(test.values, of_networks=of_networks) if test.op in (*EQUALITY, "!=") else None
    if listed is None or not fitting([listed]):
        return UNKNOWN
    parts = [_within(test, end, listed) for end in ends]
    if len(parts) == 1:
        return exactly(parts[0])
    return Bounds(any_of(parts), any_of(exactly(part).false for part in parts))


def _within(test: Comparison, end: Subject, listed: AddressList) -> Formula:
    inside = AddressCheck(end, listed)
    has_address = NumberCheck(end, "version", "!=", 0)
    return inside if test.op in EQUALITY else all_of((has_address, negation(inside)))


def is_about_ends(check: Check) -> bool:
    """Return True if a test is about an end of a connection."""
    return check.of_end


def lists_of(formula: Formula) -> list[AddressList]:
    """Return the lists that a formula tests, each once."""
    found = (check.listed for check in checks(formula) if isinstance(check, AddressCheck))
    return list(dict.fromkeys(found))


def with_fitting_lists(wanted: Formula) -> Formula:
    """Return the formula's necessary condition on the lists that a filter may have."""
    lists = lists_of(wanted)
    kept = fitting(lists)
    if len(kept) == len(lists):
        return wanted
    return without(wanted, lambda check: isinstance(check, AddressCheck) and check.listed not in kept)
