"""Deny rules: conditions that are decided at a hook of the security modules, before the call has any effect.

A hook gets the object of the call: the file, the program, the address. It does not know which call it is, so a rule
must name every call that reaches the hook; and there is no result yet: a condition on it is evaluated as for a
successful call. Made from the same comparisons as kill rules (settled.py).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeGuard

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, TRUE, UNKNOWN, Bounds, Formula, Leaf, all_of, any_of, leaves, necessary
from mozu.plugins.sources.ebpf.assembly import ProgramTooLong
from mozu.plugins.sources.ebpf.kernel_filter.check import Check, NumberCheck, Subject, cost, has, replaced
from mozu.plugins.sources.ebpf.kernel_filter.deny_program import deny_program
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import MAX_COST, TOO_MANY, bounds_of
from mozu.plugins.sources.ebpf.kernel_filter.settled import TCP, UDP, of_destination, of_protocol, settled
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

_SENDS: Final = "sendto"


class DenyPlace(NamedTuple):
    """A kind of operation that can be denied."""

    types: tuple[str, ...]
    """Event types that a rule must name, all of them."""
    judged: str
    """The type whose condition is used."""
    hooks: tuple[str, ...]
    """Functions of include/linux/lsm_hook_defs.h."""
    protocol: int = 0
    """Protocol of the sockets concerned, because one hook may serve several; 0 for any."""


PLACES: Final = (
    DenyPlace(("open", "openat", "openat2", "creat"), "openat", ("file_open",)),
    DenyPlace(("execve", "execveat"), "execve", ("bprm_check_security",)),
    DenyPlace(("connect",), "connect", ("socket_connect", "socket_sendmsg"), TCP),
    DenyPlace((_SENDS, "sendmsg", "sendmmsg"), _SENDS, ("socket_sendmsg",), UDP),
)


def undenied(name: str, predicates: Mapping[str, Formula]) -> Comparison | str | None:
    """Return the reason for which events of this type cannot be denied: the first comparison that is not decided before
    the call, or a sentence; None if they can. `predicates`: the condition of the rule, by event type."""
    place = next((one for one in PLACES if name in one.types), None)
    if place is None:
        return "no hook of the security modules decides such a call"
    lacking = [one for one in place.types if one not in predicates]
    if lacking:
        return f"the hook does not know which call it is; name all of {', '.join(place.types)}"
    predicate = predicates[place.judged]
    if any(predicates[one] is not predicate for one in place.types):
        return f"the condition says different things of {', '.join(place.types)}"
    for leaf in leaves(predicate):
        if not isinstance(leaf, Comparison):
            return "a part of the condition is no comparison"
        if len(leaf.values) > MAX_COST:  # before each of them is made a test
            return TOO_MANY
        if _before(leaf, place.judged) is UNKNOWN:
            return leaf
    formula = _formula(place, predicate)
    if formula is TRUE:
        return "it is true of every such call"
    if formula is FALSE:
        return "it is true of no call that succeeds"
    return TOO_MANY if cost(formula) > MAX_COST else None


def deny_functions(rules: Sequence[Mapping[str, Formula]]) -> dict[str, RelocatableCode]:
    """Return the programs by hook. `rules`: the conditions of each rule by event type; the first rule is number 1. A
    hook is left out if its program would be too long."""
    wanted: dict[str, list[tuple[int, Formula]]] = {}
    for place in PLACES:
        numbered = [
            (number, _formula(place, predicates[place.judged]))
            for number, predicates in enumerate(rules, 1)
            if place.judged in predicates
        ]
        if cost(any_of(formula for _, formula in numbered)) <= MAX_COST:
            for hook in place.hooks:
                wanted.setdefault(hook, []).extend(numbered)
    found: dict[str, RelocatableCode] = {}
    for hook, numbered in wanted.items():
        with suppress(ProgramTooLong):
            if numbered:
                found[hook] = deny_program(sorted(numbered, key=lambda one: one[0]), hook)
    return found


def _formula(place: DenyPlace, predicate: Formula) -> Formula:
    tested = necessary(predicate, lambda leaf: _before(leaf, place.judged)).true
    return all_of((of_protocol(place.protocol), tested)) if place.protocol and tested not in (TRUE, FALSE) else tested


def _before(leaf: Leaf, name: str) -> Bounds:
    """Return the tests of a comparison before the call; UNKNOWN if it is not decided then."""
    spec = SYSCALL_SPECS[name]
    found = _of_sent(leaf, spec) or bounds_of(leaf, spec) if name in ("openat", _SENDS) else settled(leaf, spec)
    if not found.is_exact or has(found.true, lambda check: not _is_known(check)):
        return UNKNOWN
    return Bounds(replaced(found.true, _of_success), replaced(found.false, _of_success))


def _of_sent(leaf: Leaf, spec: SyscallSpec) -> Bounds | None:
    """Return the tests of a datagram's destination, which is taken as the server; None for another comparison."""
    if spec.name != _SENDS or not isinstance(leaf, Comparison):
        return None
    return of_destination(leaf, {"tcp": TCP, "udp": UDP})


def _is_known(check: Check) -> bool:
    """Return True if the hook knows the value, or it is the same for every successful call."""
    if check.subject is Subject.OPEN:
        return isinstance(check, NumberCheck) and check.member == "flags"
    if _is_result(check):
        return _of_success(check) is not check
    return check.subject in (Subject.REAL, Subject.FACTS)


def _is_result(check: Check) -> TypeGuard[NumberCheck]:
    return isinstance(check, NumberCheck) and check.subject is Subject.CALL and check.member == "result"


def _of_success(check: Check) -> Formula:
    """Return the value of the test for a successful result; the test itself if that does not decide it."""
    if not _is_result(check):
        return check
    if check.constant < 0:
        return {"==": FALSE, "<": FALSE, "<=": FALSE}.get(check.relation, TRUE)
    if check.constant == 0 and check.relation in (">=", "<"):
        return TRUE if check.relation == ">=" else FALSE
    return check
