"""What the descriptor of a call stands for, as far as sockets go."""

from typing import Final

from mozu.core.abi.spec import RESULT, SyscallSpec
from mozu.core.filter.predicate import Comparison
from mozu.plugins.sources.ebpf.kernel_filter.expression import Check, Expression, assumed, every, negated, some
from mozu.plugins.sources.ebpf.kernel_filter.results import DONE, FAILED, flag

_UNKNOWN: Final = Check("!sock.file")
"""No file stands there any more: what is known of it counts."""
_IS_IP: Final = Check("sock.family == AF_INET || sock.family == AF_INET6")
_IS_UNIX: Final = Check("sock.family == AF_UNIX")
_IS_NO_SOCKET: Final = Check("!sock.family")
_HAS_PEER: Final = (Check("sock.state == 1"), Check("sock.port"))
_ESTABLISHED: Final = every((DONE, _IS_IP, *_HAS_PEER))
"""Of TCP, and of a datagram socket that has one peer."""
_KINDS: Final = {
    **dict.fromkeys(("4", "6", "ipv4", "ipv6", "ip"), _IS_IP),
    **dict.fromkeys(("unix",), _IS_UNIX),
    **dict.fromkeys(("f", "d", "file", "directory"), _IS_NO_SOCKET),
}
_PROTOCOLS: Final = {"tcp": (6,), "udp": (17,), "icmp": (1, 58)}
_MESSAGES: Final = frozenset(("sendto", "sendmsg", "recvfrom", "recvmsg"))


def of_socket(fact: Comparison, spec: SyscallSpec) -> Expression | None:
    """The test of a fact about a descriptor; None where the fact is about something else."""
    if fact.field in ("fd.type", "fd.typechar", "fd.sockfamily"):
        return _or_unknown(_kind(fact), spec)
    if fact.field == "fd.l4proto":
        return _or_unknown(_protocol(fact), spec)
    if fact.field == "fd.connected" and spec.name in _MESSAGES:
        unconnected = some((_UNKNOWN, negated(_ESTABLISHED)))
        return unconnected if flag(fact, False) is True else True
    return None


def wants_no_connections(wanted: Expression) -> bool:
    """Whether messages that went through IP connections are never wanted, nor those of other sockets than IP's."""
    sent: dict[Expression, bool] = {DONE: True, FAILED: False, Check("sock.file"): True, _UNKNOWN: False}
    connected = assumed(wanted, {**sent, _IS_IP: True, **dict.fromkeys(_HAS_PEER, True)})
    return connected is False and assumed(wanted, {**sent, _IS_IP: False}) is False


def is_about_sockets(check: Check) -> bool:
    """Whether a test looks at the descriptor."""
    return "sock." in check.code


def _or_unknown(test: Expression, spec: SyscallSpec) -> Expression:
    """A descriptor that was to be made and was not has a kind too, by its call."""
    return some((_UNKNOWN, test, FAILED if spec.layout.fd == RESULT else False))


def _kind(fact: Comparison) -> Expression:
    if fact.negated or fact.op != "in" or not set(fact.values) <= _KINDS.keys():
        return True
    return some(_KINDS[value] for value in fact.values)


def _protocol(fact: Comparison) -> Expression:
    if fact.negated or fact.op != "in" or not set(fact.values) <= _PROTOCOLS.keys():
        return True
    numbers = sorted({number for value in fact.values for number in _PROTOCOLS[value]})
    return every((_IS_IP, some(Check(f"sock.protocol == {number}") for number in numbers)))
