"""The kernel filter of a call: a C function, compiled from a predicate, that decides whether an event is discarded."""

from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from typing import Final, NamedTuple

from mozu.core.abi.spec import NO_FD, RESULT, SyscallSpec
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    UNKNOWN,
    AllOf,
    AnyOf,
    Bounds,
    Formula,
    Leaf,
    Negation,
    all_of,
    any_of,
    factor,
    leaves,
    necessary,
    negation,
)
from mozu.plugins.sources.ebpf.kernel_filter.check import NEVER, Check, cost, has, in_c, replaced, without
from mozu.plugins.sources.ebpf.kernel_filter.flags import of_argument
from mozu.plugins.sources.ebpf.kernel_filter.names import with_byte_hints
from mozu.plugins.sources.ebpf.kernel_filter.opens import of_open
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
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

    wanted: Formula
    body: str
    uses_process_predicates: bool = False
    """Whether it reads the verdict on the process."""
    is_exact: bool = False
    """Whether an event passes if and only if the predicate is true."""

    @property
    def name(self) -> str:
        """Of the function: the same for the same text."""
        return f"filter_{blake2b(self.body.encode(), digest_size=5).hexdigest()}"

    @property
    def text(self) -> str:
        """The C source of the function, with its include."""
        return (
            f'#include "kernel_filter.h"\ninlined bool {self.name}(const struct syscall_ctx *sys) {{\n{self.body}}}\n'
        )

    @property
    def entry(self) -> str:
        """Name of the program."""
        return f"mozu_{self.name}"


def filter_function_of(
    spec: SyscallSpec,
    predicate: Formula,
    process_predicates: ProcessPredicates,
    names: OpenedName = OpenedName.UNUSED,
) -> FilterFunction | None:
    """The function of a call; None where every event passes, or none can be made."""
    family = spec.family
    if family not in _FAMILIES:
        return None
    tested = [(necessary(case, lambda leaf: _bounds(leaf, spec)), case) for case in _alternatives(predicate)]
    if any(_is_common(bounds.true) for bounds, _ in tested):
        # Once a process is looked up, every further predicate about it is cheap.
        tested.sort(key=lambda pair: not _is_common(pair[0].true))
        wanted = any_of(all_of((bounds.true, process_predicates.test(case))) for bounds, case in tested)
    else:
        wanted = any_of(bounds.true for bounds, _ in tested)
    if wanted is TRUE or cost(wanted) > MAX_COST:
        return None
    body = _open_body(wanted, names) if family == "open" else _plain_body(wanted, spec)
    is_exact = names is OpenedName.UNUSED and all(_is_exact(bounds) for bounds, _ in tested)
    uses_processes = has(wanted, _is_of_process)
    return FilterFunction(wanted, body, uses_processes, is_exact and not uses_processes)


def first_inexact(spec: SyscallSpec, predicate: Formula) -> Comparison | None:
    """The first comparison of a predicate that the filter of a call does not test exactly."""
    for leaf in leaves(predicate):
        if isinstance(leaf, Comparison) and not (spec.family in _FAMILIES and _is_exact(_bounds(leaf, spec))):
            return leaf
    return None


def _alternatives(predicate: Formula) -> tuple[Formula, ...]:
    if isinstance(predicate, Negation) and isinstance(predicate.part, AllOf):
        return tuple(map(negation, predicate.part.parts))
    return predicate.parts if isinstance(predicate, AnyOf) else (predicate,)


def _bounds(leaf: Leaf, spec: SyscallSpec) -> Bounds:
    """What the kernel can test of a comparison."""
    if not isinstance(leaf, Comparison) or not leaf.field:
        return UNKNOWN
    is_open = spec.family == "open"
    readers: tuple[Callable[[], Bounds | None], ...] = (
        lambda: of_result(leaf) if is_open or spec.operands[:1] == ("r",) else None,
        lambda: of_open(leaf, spec.name) if is_open else None,
        lambda: of_socket(leaf, spec) if spec.layout.fd != NO_FD and spec.family in _ABOUT_DESCRIPTORS else None,
        lambda: of_argument(leaf, spec) if not is_open else None,
    )
    return next((found for read in readers if (found := read()) is not None), UNKNOWN)


def _is_exact(bounds: Bounds) -> bool:
    """A path that is not plain passes untested: no test of a path is exact."""
    return bounds.is_exact and not has(bounds.true, lambda check: check.of_name)


def _is_common(wanted: Formula) -> bool:
    """Whether calls pass whose path no test names: then it is worth asking about the process."""

    def bounds(leaf: Leaf) -> Bounds:
        return NEVER if isinstance(leaf, Check) and leaf.of_name else UNKNOWN

    return necessary(wanted, bounds).true is TRUE


def _open_body(wanted: Formula, names: OpenedName) -> str:
    """First tests of numbers; the path is read only where they do not decide, or paths are kept.

    The process is looked up first where that may save reading the path or very many tests; else last, for a call that
    is wanted if its process is.
    """
    wanted, bytes_ = with_byte_hints(wanted)
    looked_for = ", ".join(map(str, (*bytes_, 0, 0, 0, 0)[:4]))
    by_numbers = without(wanted, lambda check: check.of_name)
    asks = has(wanted, _is_of_process)
    lookup_last = asks and cost(wanted) < _LOOKUP and (bool(names.value) or _unmatched(by_numbers) is not FALSE)
    lines = _lookup_lines(asks and not lookup_last)
    if lookup_last:
        lines += ["u64 bits = ~0ull;", "barrier_var(bits);"]
    lines += ["struct open_args open = {};", "parse_open_args(&open, sys);"]
    if by_numbers is not TRUE:
        failed = " && sys->result < 0" if names.value else ""
        lines.append(f"if (!{in_c(factor(by_numbers, cost))}{failed}) return false;")
    if has(wanted, lambda check: check.of_name) or names.value:
        lines.append("struct filter_scratch *g = filter_scratch();")
        lines.append(f"if (!g || !name_of(g, sys, open.dirfd, open.user, {looked_for})) return true;")
    wanted = factor(wanted, cost)
    if lookup_last:
        # The test runs with every bit set; if it holds, once more with the bits of the process.
        lines.append(
            f"for (u32 turn = 0; {in_c(wanted)}; turn++) {{ if (turn) return true; bits = process_bits(sys); }}"
        )
    else:
        lines.append(f"if ({in_c(wanted)}) return true;")
    lines.append(f"return {names.value}(g, sys, &open);" if names.value else "return false;")
    return "".join(f"  {line}\n" for line in lines)


def _plain_body(wanted: Formula, spec: SyscallSpec) -> str:
    """First tests of numbers; then one look at the descriptor, if it is tested."""
    lines = _lookup_lines(has(wanted, _is_of_process))
    if has(wanted, is_about_sockets):
        if spec.name == "sendto" and wants_no_connections(wanted):
            # What goes out without an address goes through a connection.
            lines.append("if (sys->result >= 0 && !sys->args[4]) return false;")
        by_numbers = without(wanted, is_about_sockets)
        if by_numbers is not TRUE:
            lines.append(f"if (!{in_c(by_numbers)}) return false;")
        place = "sys->result" if spec.layout.fd == RESULT else f"sys->args[{spec.layout.fd}]"
        is_socket = "sys->result >= 0" if spec.family == "message" else "false"
        protocol = "true" if has(wanted, lambda check: "sock.protocol" in check.code) else "false"
        lines.append("struct sock_info sock = {};")
        lines.append(f"lookup_sock(&sock, sys, {place}, {is_socket}, {protocol});")
    lines.append(f"return {in_c(wanted)};")
    return "".join(f"  {line}\n" for line in lines)


def _lookup_lines(asks: bool) -> list[str]:
    return ["u64 bits = process_bits(sys);"] * asks


def _is_of_process(check: Check) -> bool:
    return check.of_process


def _unmatched(wanted: Formula) -> Formula:
    """What is left of it for processes of which no process predicate holds."""
    return replaced(wanted, lambda check: FALSE if check.of_process else check)
