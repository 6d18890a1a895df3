"""Tests of a comparison that the kernel decides for good, so that a rule may kill there: a necessary condition is not
enough.

A call is tested at its exit, while other threads of the caller run. Nothing is therefore read that they can change
between the call and its exit: neither memory of the caller nor its descriptors, but registers, the result, and objects
that the kernel has stored: the path of the opened file, the address that a socket is connected to, the program that was
started. Single calls that the program cannot decide (`REACHED_UNKNOWN` of bpf/kernel_filter.h) are left to user space.
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import FALSE, TRUE, UNKNOWN, Bounds, Formula, Leaf, all_of, any_of, exactly, necessary
from mozu.plugins.sources.ebpf.kernel_filter import names
from mozu.plugins.sources.ebpf.kernel_filter.check import Check, NumberCheck, Subject, about, has
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import bounds_of
from mozu.plugins.sources.ebpf.kernel_filter.results import compared, equal, flag, of_result
from mozu.plugins.sources.ebpf.wire import marks

FAMILIES: Final = frozenset(("open", "number", "descriptor", "exec"))
"""Families for whose calls a rule can kill: the tested values are numbers, or found by the program."""
EXECUTED: Final = "execve"
"""Event type of every successful exec, including those by execveat."""
_IN_MEMORY: Final = frozenset(("openat2",))
"""Calls whose flags and mode the caller passes in memory."""
_COPIES: Final = frozenset(("dup", "dup2", "dup3"))
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
TCP, UDP = 6, 17
_PROTOCOLS: Final = {"tcp": TCP}
"""Protocols that can be tested; for others the kernel does not know which end is the server."""
_FAMILIES_OF: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    "fd.type": {"ipv4": (_AF_INET,), "ipv6": (_AF_INET6,), "unix": (_AF_UNIX,)},
    "fd.typechar": {"4": (_AF_INET,), "6": (_AF_INET6,)},
    "fd.sockfamily": {"ip": (_AF_INET, _AF_INET6), "unix": (_AF_UNIX,)},
}
"""Families of sockets by field and value."""
_MARKS: Final = marks()
_MARK_OF: Final = {
    "proc.is_exe_upper_layer": "UPPER",
    "proc.is_exe_lower_layer": "OVERLAY",
    "proc.is_exe_from_memfd": "MEMFD",
}
_PATH_TESTS: Final = {"in": names.equal, "startswith": names.begins, "endswith": names.ends}
_WORDS: Final = 4
"""Bytes of a word of an address; an IPv4 address is the first word."""


def settled(leaf: Leaf, spec: SyscallSpec) -> Bounds:
    """Return the exact tests of a comparison at the exit of a call; UNKNOWN if it is not decided for good."""
    if not isinstance(leaf, Comparison) or spec.family not in FAMILIES:
        return UNKNOWN
    found = _of_executed(leaf) if spec.family == "exec" else _of_socket(leaf, spec)
    found = bounds_of(leaf, spec) if found is None else found
    is_settled = found.is_exact and not has(found.true, lambda check: not _is_lasting(check, spec))
    return found if is_settled else UNKNOWN


def holds_only_of_success(formula: Formula) -> bool:
    """Return True if the formula is false for every failed call."""

    def of_failed(leaf: Leaf) -> Bounds:
        if not isinstance(leaf, NumberCheck) or leaf.subject is not Subject.CALL or leaf.member != "result":
            return UNKNOWN
        return Bounds(FALSE, TRUE) if leaf.constant >= 0 and leaf.relation in ("==", ">=", ">") else UNKNOWN

    return necessary(formula, of_failed).true is FALSE


def wants_peer(check: Check) -> bool:
    """Return True if the check is about a socket's peer."""
    return isinstance(check, NumberCheck) and check.subject is Subject.FACTS and check.member in (
        "port", "address", "protocol",
    )  # fmt: skip


def _is_lasting(check: Check, spec: SyscallSpec) -> bool:
    """Return True if no thread can change the tested value between the call and its exit, except by closing the
    descriptor."""
    if check.subject is Subject.OPEN:
        return spec.name not in _IN_MEMORY
    return check.subject in (Subject.CALL, Subject.REAL, Subject.FACTS)


def of_protocol(number: int) -> Formula:
    """Return the test for a message or connection of this protocol."""
    return _fact("protocol", number)


def _fact(member: str, constant: int, relation: str = "==", *, element: int = 0, mask: int | None = None) -> Formula:
    return NumberCheck(Subject.FACTS, member, relation, constant, element=element, mask=mask)


# --- sockets


def _of_socket(test: Comparison, spec: SyscallSpec) -> Bounds | None:
    """Return the bounds of a comparison with a socket; None for another comparison, or a call whose socket is not
    found."""
    if spec.name not in (*_COPIES, "connect"):
        return None
    if test.field in _FAMILIES_OF:
        return _choice(test, _FAMILIES_OF[test.field], "family")
    return of_destination(test, _PROTOCOLS) if spec.name == "connect" else None


def of_destination(test: Comparison, protocols: Mapping[str, int]) -> Bounds | None:
    """Return the bounds of a comparison with the destination of a connection or datagram of these protocols; None for
    another comparison."""
    if test.field in _FAMILIES_OF:
        return _choice(test, _FAMILIES_OF[test.field], "family")
    if test.field == "fd.l4proto":
        return _choice(test, {name: (number,) for name, number in protocols.items()}, "protocol")
    if test.field == "fd.sport":
        return compared(test, lambda relation, port: _fact("port", port, relation))
    if test.field in ("fd.sip", "fd.snet"):
        return equal(test, any_of(map(_within, test.values)))
    return None


def _choice(test: Comparison, numbers: dict[str, tuple[int, ...]], member: str) -> Bounds:
    if not set(test.values) <= numbers.keys():
        return UNKNOWN
    return equal(test, any_of(_fact(member, one) for value in test.values for one in numbers[value]))


def _within(text: str) -> Formula:
    """Return the test for an address, or for any address of a network."""
    network = ip_network(text, strict=False) if "/" in text else ip_network(ip_address(text))
    family = _AF_INET if network.version == 4 else _AF_INET6
    return all_of((_fact("family", family), *_words(network.network_address.packed, network.netmask.packed)))


def _words(address: bytes, mask: bytes) -> Iterable[Formula]:
    for at in range(0, len(address), _WORDS):
        kept = int.from_bytes(mask[at : at + _WORDS], "little")
        if kept:
            word = int.from_bytes(address[at : at + _WORDS], "little")
            whole = kept == (1 << 8 * _WORDS) - 1
            yield _fact("address", word, element=at // _WORDS, mask=None if whole else kept)


# --- programs


def _of_executed(test: Comparison) -> Bounds:
    """Return the bounds of a comparison with the process that an exec has made."""
    if test.field == "proc.exepath":
        return _path(test)
    if test.field in _MARK_OF:
        return flag(test, _marked(_MARK_OF[test.field]))
    return of_result(test) or UNKNOWN


def _marked(name: str) -> Formula:
    upper, overlay = _MARKS["UPPER"], _MARKS["OVERLAY"]
    if name == "OVERLAY":  # the layer below: on an overlay, and not in its upper layer
        return _fact("executable", overlay, mask=overlay | upper)
    return _fact("executable", 0, "!=", mask=_MARKS[name])


def _path(test: Comparison) -> Bounds:
    """Return the bounds of a comparison with the path; false for an unknown path, so `!=` is left to user space."""
    tests = _PATH_TESTS.get("in" if test.op in EQUALITY else test.op)
    if tests is None or not names.usable(test.values) or not all(test.values):
        return UNKNOWN
    return exactly(about(any_of(map(tests, test.values)), Subject.REAL))
