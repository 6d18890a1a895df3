"""What the descriptor of a call stands for, as far as sockets go."""

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
"""No file stands there any more: what the state knows of it counts."""
_IS_IP: Final = _is("family", _AF_INET, mask=0xFFFF ^ _AF_INET ^ _AF_INET6)
"""The two numbers differ in one bit."""
_IS_UNIX: Final = _is("family", _AF_UNIX)
_IS_NO_SOCKET: Final = _is("family", 0)
_HAS_PEER: Final = (_is("state", _TCP_ESTABLISHED), _is("port", 0, "!="))
_ESTABLISHED: Final = all_of((DONE, _IS_IP, *_HAS_PEER))
"""Of TCP, and of a datagram socket that has one peer."""
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
    """The bounds of a comparison of a descriptor; None where it is of something else."""
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
    """Whether messages that went through IP connections are never wanted, nor those of other sockets than IP's."""
    sent: dict[Check, bool] = {DONE: True, _HAS_FILE: True}
    connected = assumed(wanted, {**sent, _IS_IP: True, **dict.fromkeys(_HAS_PEER, True)})
    return connected is FALSE and assumed(wanted, {**sent, _IS_IP: False}) is FALSE


def is_about_sockets(check: Check) -> bool:
    """Whether a test looks at the descriptor."""
    return check.subject is Subject.SOCKET


def is_about_protocols(check: Check) -> bool:
    """Whether a test needs the protocol of a socket."""
    return is_about_sockets(check) and isinstance(check, NumberCheck) and check.member == "protocol"


def _where_open(whole: Formula, sure: Formula, spec: SyscallSpec) -> Bounds:
    """What must hold of a file that stands there, and what is enough.

    A descriptor that was to be made and was not has a kind too, by its call.
    """
    unknown = any_of((_NO_FILE, FAILED if spec.layout.fd == RESULT else FALSE))
    return Bounds(any_of((unknown, whole)), any_of((unknown, complement(sure))))


def _kind(test: Comparison) -> Formula:
    if test.op not in EQUALITY or not set(test.values) <= _KINDS.keys():
        return TRUE
    return any_of(_KINDS[value] for value in test.values)


def _sure_kind(test: Comparison, spec: SyscallSpec) -> Formula:
    """What decides it. The two kinds of IP have one test; what is no socket may be anything else; and what a call makes
    anew is what its arguments say."""
    is_made = spec.layout.fd == RESULT and spec.name not in _COPIES
    values = set(test.values) if test.op in EQUALITY and not is_made else set()
    is_ip = any(kinds <= values for kinds in _BOTH_KINDS_OF_IP)
    return any_of((_IS_IP if is_ip else FALSE, _IS_UNIX if values & {"u", "unix"} else FALSE))


def _protocol(test: Comparison) -> Formula:
    if test.op not in EQUALITY or not set(test.values) <= _PROTOCOLS.keys():
        return TRUE
    numbers = sorted({number for value in test.values for number in _PROTOCOLS[value]})
    return all_of((_IS_IP, any_of(_is("protocol", number) for number in numbers)))
