"""The kernel filter of a call: a C function, made from a predicate."""

from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from typing import Final, NamedTuple

from mozu.core.abi.spec import NO_FD, RESULT, SyscallSpec
from mozu.core.filter.predicate import AnyOf, Comparison, Predicate, fold
from mozu.plugins.sources.ebpf.kernel_filter.exec_invariant import ProcessPredicates
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

MAX_COST: Final = 4000
"""A function of more comparisons would cost more than it saves, and might exceed the verifier's limit."""
_LOOKUP: Final = 400
"""What it costs to look up a process, in comparisons of which most are not made."""
_FAMILIES: Final = frozenset(("open", "descriptor", "message", "transfer", "number", "path"))
"""Whose calls can have a filter: at the exit of the call it reads what the event will hold."""
_ABOUT_DESCRIPTORS: Final = frozenset(("descriptor", "message", "transfer"))


class OpenedName(Enum):
    """What becomes of the path of an open that is filtered."""

    UNUSED = ""
    KEPT = "must_emit_path"
    """The kernel keeps it for events on the descriptor."""
    EMITTED = "path_differs"
    """An open passes where the kernel's path of the file differs from it."""


class FilterFunction(NamedTuple):
    """A C function: whether the event of a call (`const struct syscall_ctx *sys`) passes. Equal bodies are one."""

    wanted: Expression
    body: str
    uses_process_predicates: bool = False
    """Whether it reads the verdict on the process."""

    @property
    def name(self) -> str:
        """Of the function: the same for the same text."""
        return f"filter_{blake2b(self.body.encode(), digest_size=5).hexdigest()}"

    @property
    def text(self) -> str:
        """The function."""
        return (
            f'#include "kernel_filter.h"\ninlined bool {self.name}(const struct syscall_ctx *sys) {{\n{self.body}}}\n'
        )

    def entry(self, array: str) -> str:
        """Name of the program that goes on in this array."""
        return f"mozu_{self.name}_{array.lower()}"


def filter_function_of(
    spec: SyscallSpec,
    predicate: Predicate,
    process_predicates: ProcessPredicates,
    names: OpenedName = OpenedName.UNUSED,
) -> FilterFunction | None:
    """The function of a call; None where every event passes, or none can be made."""
    family = spec.family
    if family not in _FAMILIES:
        return None
    cases = predicate.parts if isinstance(predicate, AnyOf) else (predicate,)
    tested = [(fold(case, lambda fact: _test(fact, spec, family), every, some), case) for case in cases]
    if any(_is_common(one) for one, _ in tested):
        # Once a process is looked up, every further predicate about it is cheap.
        tested.sort(key=lambda pair: not _is_common(pair[0]))
        wanted = some(every((one, process_predicates.test(case))) for one, case in tested)
    else:
        wanted = some(one for one, _ in tested)
    if wanted is True or cost(wanted) > MAX_COST:
        return None
    body = _open_body(wanted, names) if family == "open" else _plain_body(wanted, spec)
    return FilterFunction(wanted, body, has(wanted, _is_of_process))


def _test(fact: Comparison, spec: SyscallSpec, family: str) -> Expression:
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
    """First tests of numbers; the path is read only where they do not decide, or paths are kept.

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
        lines.append("struct filter_scratch *g = filter_scratch();")
        lines.append(f"if (!g || !name_of(g, sys, open.dirfd, open.user, {looked_for})) return true;")
    wanted = factored(wanted)
    if asks_last:
        lines.append(
            f"for (u32 turn = 0; {in_c(wanted)}; turn++) {{ if (turn) return true; may = process_bits(sys); }}"
        )
    else:
        lines.append(f"if ({in_c(wanted)}) return true;")
    lines.append(f"return {names.value}(g, sys, &open);" if names.value else "return false;")
    return "".join(f"  {line}\n" for line in lines)


def _plain_body(wanted: Expression, spec: SyscallSpec) -> str:
    """First tests of numbers; then one look at the descriptor, if it is tested."""
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
    return ["u64 may = process_bits(sys);"] * asks


def _without_name(check: Check) -> Expression:
    return True if check.of_name else check


def _is_of_process(check: Check) -> bool:
    return check.of_process


def _whoever_calls(wanted: Expression) -> Expression:
    """What is left of it for processes of which nothing holds."""
    return replaced(wanted, lambda check: not check.of_process and check)
