"""Tests of a call's descriptor, as far as sockets are concerned."""

from typing import Final

from mozu.core.abi.spec import RESULT, SyscallSpec
from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import FALSE, TRUE, Bounds, Formula, all_of, any_of, complement, negation
from mozu.plugins.sources.ebpf.kernel_filter.check import Check, NumberCheck, Subject, assumed
from mozu.plugins.sources.ebpf.kernel_filter.results import DONE, FAILED, flag

_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_TCP_ESTABLISHED: Final = 1


def _is(member: str, number: int, relation: str = "==", mask: int | None = None) -> NumberCheck:
    return NumberCheck(Subject.SOCKET, member, relation, number, mask=mask)


_HAS_FILE: Final = _is("file", 0, "!=")
_NO_FILE: Final = negation(_HAS_FILE)
"""Test for a descriptor without a file now, for which the state's knowledge counts."""
_IS_IP: Final = _is("family", _AF_INET, mask=0xFFFF ^ _AF_INET ^ _AF_INET6)
"""Test for either IP family, whose two numbers differ in one bit."""
_IS_UNIX: Final = _is("family", _AF_UNIX)
_IS_NO_SOCKET: Final = _is("family", 0)
_HAS_PEER: Final = (_is("state", _TCP_ESTABLISHED), _is("port", 0, "!="))
_ESTABLISHED: Final = all_of((DONE, _IS_IP, *_HAS_PEER))
"""Test for an established connection of TCP, or a datagram socket with one peer."""
_KINDS: Final = {
    **dict.fromkeys(("4", "6", "ipv4", "ipv6", "ip"), _IS_IP),
    **dict.fromkeys(("unix",), _IS_UNIX),
    **dict.fromkeys(("f", "d", "file", "directory"), _IS_NO_SOCKET),
}
_COPIES: Final = frozenset(("dup", "dup2", "dup3"))
_BOTH_KINDS_OF_IP: Final = ({"4", "6"}, {"ipv4", "ipv6"}, {"ip"})
_PROTOCOLS: Final = {"tcp": (6,), "udp": (17,), "icmp": (1, 58)}
_MESSAGES: Final = frozenset(("sendto", "sendmsg", "recvfrom", "recvmsg"))


def of_socket(test: Comparison, spec: SyscallSpec) -> Bounds | None:
    """Return the bounds of a comparison with a descriptor; None for another comparison."""
    if test.field in ("fd.type", "fd.typechar", "fd.sockfamily"):
        return _where_open(_kind(test), _sure_kind(test, spec), spec)
    if test.field == "fd.l4proto":
        return _where_open(_protocol(test), FALSE, spec)
    if test.field == "fd.connected" and spec.name in _MESSAGES:
        unconnected = any_of((_NO_FILE, complement(_ESTABLISHED)))
        of_false = flag(test, FALSE)
        return Bounds(unconnected if of_false.true is TRUE else TRUE, unconnected if of_false.false is TRUE else TRUE)
    return None


def wants_no_connections(wanted: Formula) -> bool:
    """Return True if neither messages through IP connections nor those of non-IP sockets are ever wanted."""
    sent: dict[Check, bool] = {DONE: True, _HAS_FILE: True}
    connected = assumed(wanted, {**sent, _IS_IP: True, **dict.fromkeys(_HAS_PEER, True)})
    return connected is FALSE and assumed(wanted, {**sent, _IS_IP: False}) is FALSE


def is_about_sockets(check: Check) -> bool:
    """Return True if a test is about the descriptor."""
    return check.subject is Subject.SOCKET


def is_about_protocols(check: Check) -> bool:
    """Return True if a test needs the protocol of a socket."""
    return is_about_sockets(check) and isinstance(check, NumberCheck) and check.member == "protocol"


def _where_open(whole: Formula, sure: Formula, spec: SyscallSpec) -> Bounds:
    """Return necessary and sufficient conditions for an open descriptor.

    A descriptor that a failed call did not make has a kind, too, by its call.
    """
    unknown = any_of((_NO_FILE, FAILED if spec.layout.fd == RESULT else FALSE))
    return Bounds(any_of((unknown, whole)), any_of((unknown, complement(sure))))


def _kind(test: Comparison) -> Formula:
    if test.op not in EQUALITY or not set(test.values) <= _KINDS.keys():
        return TRUE
    return any_of(_KINDS[value] for value in test.values)


def _sure_kind(test: Comparison, spec: SyscallSpec) -> Formula:
    """Return a sufficient condition. The two kinds of IP have one test; a descriptor that is no socket may be anything
    else; and the kind of a new one follows from the call's arguments."""
    is_made = spec.layout.fd == RESULT and spec.name not in _COPIES
    values = set(test.values) if test.op in EQUALITY and not is_made else set()
    is_ip = any(kinds <= values for kinds in _BOTH_KINDS_OF_IP)
    return any_of((_IS_IP if is_ip else FALSE, _IS_UNIX if values & {"u", "unix"} else FALSE))


def _protocol(test: Comparison) -> Formula:
    if test.op not in EQUALITY or not set(test.values) <= _PROTOCOLS.keys():
        return TRUE
    numbers = sorted({number for value in test.values for number in _PROTOCOLS[value]})
    return all_of((_IS_IP, any_of(_is("protocol", number) for number in numbers)))
