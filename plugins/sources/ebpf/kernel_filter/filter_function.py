"""A gate as a C function, made from a predicate."""

from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from typing import Final, NamedTuple

from mozu.core.abi.spec import NO_FD, RESULT, SyscallSpec
from mozu.core.filter.predicate import AnyOf, Fact, Predicate, fold
from mozu.plugins.sources.ebpf.kernel_filter.exec_invariant import Lasting
from mozu.plugins.sources.ebpf.kernel_filter.expression import (
    Check,
    Expression,
    cost,
    every,
    factored,
    has,
    in_c,
    replaced,
    some,
)
from mozu.plugins.sources.ebpf.kernel_filter.flags import of_argument
from mozu.plugins.sources.ebpf.kernel_filter.names import noted
from mozu.plugins.sources.ebpf.kernel_filter.opens import of_open
from mozu.plugins.sources.ebpf.kernel_filter.results import of_result
from mozu.plugins.sources.ebpf.kernel_filter.sockets import is_about_sockets, of_socket, wants_no_connections

_DEAREST: Final = 4000
"""A gate of more comparisons would cost more than it saves, and the verifier might not see its end."""
_LOOKUP: Final = 400
"""What it costs to look up a process, in comparisons of which most are not made."""
_FAMILIES: Final = frozenset(("open", "descriptor", "message", "transfer", "number", "path"))
"""Whose calls can have gates: what they tell at the end is what the gate sees."""
_ABOUT_DESCRIPTORS: Final = frozenset(("descriptor", "message", "transfer"))


class OpenedName(Enum):
    """What becomes of the name that an open gives, where the open is turned away."""

    UNUSED = ""
    KEPT = "is_name_news"
    """The kernel keeps it for events on the descriptor."""
    TOLD = "is_called_otherwise"
    """An open passes where the kernel calls the file otherwise than the open did."""


class Gate(NamedTuple):
    """A C function that tells whether a call (`const struct syscall_ctx *sys`) is wanted; equal bodies are one gate."""

    wanted: Expression
    body: str
    asks_of_process: bool = False
    """Whether it tests facts that user space has told of the process."""

    @property
    def name(self) -> str:
        """Of the function: the same for the same text."""
        return f"gate_{blake2b(self.body.encode(), digest_size=5).hexdigest()}"

    @property
    def text(self) -> str:
        """The function."""
        return f'#include "gate.h"\ninlined bool {self.name}(const struct syscall_ctx *sys) {{\n{self.body}}}\n'

    def entry(self, array: str) -> str:
        """Name of the program that goes on in this array."""
        return f"mozu_{self.name}_{array.lower()}"


def gate_of(
    spec: SyscallSpec, predicate: Predicate, lasting: Lasting, names: OpenedName = OpenedName.UNUSED
) -> Gate | None:
    """The gate of a call; None where every event passes, or none can be made."""
    family = spec.family
    if family not in _FAMILIES:
        return None
    cases = predicate.parts if isinstance(predicate, AnyOf) else (predicate,)
    tested = [(fold(case, lambda fact: _test(fact, spec, family), every, some), case) for case in cases]
    if any(_is_common(one) for one, _ in tested):
        # Once a process is looked up, every further question about it is cheap.
        tested.sort(key=lambda pair: not _is_common(pair[0]))
        wanted = some(every((one, lasting.test(case))) for one, case in tested)
    else:
        wanted = some(one for one, _ in tested)
    if wanted is True or cost(wanted) > _DEAREST:
        return None
    body = _open_body(wanted, names) if family == "open" else _plain_body(wanted, spec)
    return Gate(wanted, body, has(wanted, _is_of_process))


def _test(fact: Fact, spec: SyscallSpec, family: str) -> Expression:
    """What must hold in the kernel for a fact to be true."""
    readers: tuple[Callable[[], Expression | None], ...] = (
        lambda: of_result(fact) if family == "open" or spec.operands[:1] == ("r",) else None,
        lambda: of_open(fact, spec.name) if family == "open" else None,
        lambda: of_socket(fact, spec) if spec.layout.fd != NO_FD and family in _ABOUT_DESCRIPTORS else None,
        lambda: of_argument(fact, spec) if family != "open" else None,
    )
    for read in readers:
        found = read()
        if found is not None:
            return found
    return True


def _is_common(wanted: Expression) -> bool:
    """Whether calls pass whose path no test names: then it is worth asking about the process."""
    return replaced(wanted, lambda check: check.code.startswith("!") if check.of_name else True) is True


def _open_body(wanted: Expression, names: OpenedName) -> str:
    """First what numbers tell; the path is read only where they leave it open, or names count.

    The process is looked up first where that may save reading the path or very many tests; else last, for a call that
    is wanted if its process is.
    """
    wanted, bytes_ = noted(wanted)
    looked_for = ", ".join(map(str, (*bytes_, 0, 0, 0, 0)[:4]))
    by_numbers = replaced(wanted, _without_name)
    asks = has(wanted, _is_of_process)
    asks_last = asks and cost(wanted) < _LOOKUP and (bool(names.value) or _whoever_calls(by_numbers) is not False)
    lines = _asked_first(asks and not asks_last)
    if asks_last:
        lines += ["u64 may = ~0ull;", "barrier_var(may);"]
    lines += ["struct open_args open = {};", "parse_open_args(&open, sys);"]
    if by_numbers is not True:
        lines.append(f"if (!{in_c(factored(by_numbers))}{' && sys->result < 0' if names.value else ''}) return false;")
    if has(wanted, lambda check: check.of_name) or names.value:
        lines.append("struct gate *g = gate_here();")
        lines.append(f"if (!g || !name_of(g, sys, open.dirfd, open.user, {looked_for})) return true;")
    wanted = factored(wanted)
    if asks_last:
        lines.append(f"for (u32 turn = 0; {in_c(wanted)}; turn++) {{ if (turn) return true; may = may_be(sys); }}")
    else:
        lines.append(f"if ({in_c(wanted)}) return true;")
    lines.append(f"return {names.value}(g, sys, &open);" if names.value else "return false;")
    return "".join(f"  {line}\n" for line in lines)


def _plain_body(wanted: Expression, spec: SyscallSpec) -> str:
    """First what numbers tell; then one look at the descriptor, where something is asked of it."""
    lines = _asked_first(has(wanted, _is_of_process))
    if has(wanted, is_about_sockets):
        if spec.name == "sendto" and wants_no_connections(wanted):
            # What goes out without an address goes through a connection.
            lines.append("if (sys->result >= 0 && !sys->args[4]) return false;")
        by_numbers = replaced(wanted, lambda check: is_about_sockets(check) or check)
        if by_numbers is not True:
            lines.append(f"if (!{in_c(by_numbers)}) return false;")
        place = "sys->result" if spec.layout.fd == RESULT else f"sys->args[{spec.layout.fd}]"
        is_socket = "sys->result >= 0" if spec.family == "message" else "false"
        protocol = in_c(has(wanted, lambda check: "sock.protocol" in check.code))
        lines.append("struct sock_info sock = {};")
        lines.append(f"lookup_sock(&sock, sys, {place}, {is_socket}, {protocol});")
    lines.append(f"return {in_c(wanted)};")
    return "".join(f"  {line}\n" for line in lines)


def _asked_first(asks: bool) -> list[str]:
    return ["u64 may = may_be(sys);"] * asks


def _without_name(check: Check) -> Expression:
    return True if check.of_name else check


def _is_of_process(check: Check) -> bool:
    return check.of_process


def _whoever_calls(wanted: Expression) -> Expression:
    """What is left of it for processes of which nothing holds."""
    return replaced(wanted, lambda check: not check.of_process and check)
