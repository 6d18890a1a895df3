"""Random calls and random tests of them, with the results of the tests in plain Python."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from mozu.core.filter.formula import FALSE, Formula, all_of, any_of, holds, negation
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter import names
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    BytesCheck,
    Check,
    NamePart,
    NumberCheck,
    ProcessCheck,
    SearchCheck,
    Subject,
    about,
    replaced,
)
from mozu.plugins.sources.ebpf.wire import marks

PARTS: Final = (
    "etc", "shadow", "passwd", "pam.d", "x", "..b", "b..", ".ssh", "id_rsa", "a_rather_long_part_of_a_path",
    "usr",
)  # fmt: skip
NUMBERS: Final = (-(1 << 40), -20, -2, -1, 0, 1, 2, 3, 10, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40)
RELATIONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": int.__eq__, "!=": int.__ne__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__,
}  # fmt: skip


class Facts(NamedTuple):
    """Facts about a call that a filter can look at."""

    numbers: dict[tuple[Subject, str, int], int]
    """(Subject, member, element) → number as it lies in memory."""
    name: bytes
    verdict: int
    real: bytes = b""
    """Path that was reached; empty if none was."""


def random_facts(chance: random.Random) -> Facts:
    numbers: dict[tuple[Subject, str, int], int] = {(Subject.CALL, "result", 0): chance.choice(NUMBERS)}
    for element in range(6):
        numbers[Subject.CALL, "args", element] = chance.choice(NUMBERS) & (1 << 64) - 1
    for subject, members in ((Subject.OPEN, ("flags", "mode")), (Subject.SOCKET, tuple(_SOCKET))):
        for member in members:
            size = wire.place(subject.value[0], subject.value[1] + member).size
            few = _SOCKET.get(member, NUMBERS)
            numbers[subject, member, 0] = chance.choice(few) & (1 << 8 * size) - 1
    name = random_name(chance)
    real = chance.choice((name, random_name(chance), b""))
    return Facts(numbers, name, chance.getrandbits(64), real)


_SOCKET: Final = {
    "file": (0, 0xFFFF888000000000),
    "family": (0, 1, 2, 10),
    "state": (1, 7),
    "port": (0, 80),
    "protocol": (6, 17),
}


def random_name(chance: random.Random) -> bytes:
    """Return a random plain name."""
    found = "/" + "/".join(chance.choices(PARTS, k=chance.randint(1, chance.choice((1, 2, 3, 8)))))
    return found.encode()[:200].rstrip(b"/") or b"/x"


def random_formula(chance: random.Random, test: Callable[[random.Random], Formula], depth: int = 0) -> Formula:
    """Return a random formula, sometimes deep and wide, with alternatives that compare the same."""
    if depth > 3 or chance.random() < 0.2:
        found = test(chance)
        return found if chance.random() < 0.7 else negation(found)
    count = chance.choice((2, 2, 3, 12)) if depth < 2 else 2
    whole = chance.choice((all_of, any_of))(random_formula(chance, test, depth + 1) for _ in range(count))
    return whole if chance.random() < 0.8 else negation(whole)


def of_call(chance: random.Random) -> Formula:
    if chance.random() < 0.15:
        return ProcessCheck(chance.randrange(64))
    if chance.random() < 0.4:
        return NumberCheck(Subject.CALL, "result", chance.choice(list(RELATIONS)), chance.choice(NUMBERS))
    relation, element = chance.choice(list(RELATIONS)), chance.randrange(6)
    constant = chance.choice(NUMBERS) & (1 << 31) - 1
    if chance.random() < 0.4:
        mask = chance.choice((1, 3, 0x8003, 0xFFFFFFFF))
        return NumberCheck(Subject.CALL, "args", chance.choice(("==", "!=")), constant & mask, element, True, mask)
    return NumberCheck(Subject.CALL, "args", relation, constant, element, chance.random() < 0.5)


def of_socket(chance: random.Random) -> Formula:
    if chance.random() < 0.3:
        return of_call(chance)
    member = chance.choice(list(_SOCKET))
    if member == "family" and chance.random() < 0.5:
        return NumberCheck(Subject.SOCKET, member, "==", 2, mask=0xFFF7)
    constant = 0 if member == "file" else chance.choice(_SOCKET[member])
    return NumberCheck(Subject.SOCKET, member, chance.choice(("==", "!=")), constant)


def of_open(chance: random.Random) -> Formula:
    if chance.random() < 0.2:
        return of_call(chance)
    if chance.random() < 0.1:
        return NumberCheck(Subject.OPEN, "flags", chance.choice(("==", "!=")), chance.randrange(4), narrow=True, mask=3)
    path = random_name(chance).decode()
    part = chance.choice(PARTS)
    pieces = chance.choice((part, part[:3], f"/{part}", f"{part}/", f"/{part}/", "../", "/.", path[-20:], path[-7:]))
    found = chance.choice((
        names.equal(path), names.begins(path[: chance.randint(1, 12)]), names.ends(pieces), names.contains(pieces),
        names.directory_is(path), names.directory_is("/"), names.filename_is(part), names.filename_begins(part[:2]),
        names.filename_is("a_rather_long_part_of_a_path_and_more"), names.like(f"/*/{part}"), names.below(path),
    ))  # fmt: skip
    return found if chance.random() < 0.7 else about(found, Subject.REAL)


def of_reached(chance: random.Random) -> Formula:
    """Return a random formula over what rules that act at an open may read."""
    formula = random_formula(chance, of_open)
    decided = replaced(formula, lambda check: FALSE if check.of_process else check)
    return about(decided, Subject.REAL)


def of_program(chance: random.Random) -> Formula:
    """Return a random formula over what rules that act at an exec may read: the path of the program, and its marks."""
    return random_formula(chance, lambda one: of_reached_path(one) if one.random() < 0.5 else _of_fact(one, _MARKS))


def of_address(chance: random.Random) -> Formula:
    """Return a random formula over the peer of a socket."""
    return random_formula(chance, lambda one: _of_fact(one, _PEER))


def of_reached_path(chance: random.Random) -> Formula:
    path = random_name(chance).decode()
    found = chance.choice((names.equal(path), names.begins(path[:9]), names.ends(path[-4:]), names.begins("/")))
    return about(found, Subject.REAL)


CUT: Final = marks()["CUT"]
_MARKS: Final = {"executable": (0, CUT, marks()["UPPER"], marks()["MEMFD"], marks()["UPPER"] | marks()["OVERLAY"])}
_PEER: Final = {
    "family": (1, 2, 10), "protocol": (6, 17), "port": (22, 443, 65535), "address": (0, 1, 0x0302010A, 0xFFFFFFFF),
}  # fmt: skip


def _of_fact(chance: random.Random, members: Mapping[str, Sequence[int]]) -> Formula:
    member = chance.choice(list(members))
    element = chance.randrange(4) if member == "address" else 0
    number = chance.choice(members[member])
    if member == "port":
        return NumberCheck(Subject.FACTS, member, chance.choice(list(RELATIONS)), number)
    mask = chance.choice((None, 0xFFFF, 0xFF000000)) if member == "address" else None
    if member == "executable":
        mask = number or 0xFFFF
    return NumberCheck(
        Subject.FACTS,
        member,
        chance.choice(("==", "!=")),
        number if mask is None else number & mask,
        element,
        mask=mask,
    )


def with_facts(chance: random.Random, facts: Facts) -> Facts:
    """Add to the facts those that kill and deny rules alone test."""
    numbers = {**facts.numbers}
    for member, few in {**_MARKS, **_PEER}.items():
        for element in range(4 if member == "address" else 1):
            numbers[Subject.FACTS, member, element] = chance.choice(few)
    return facts._replace(numbers=numbers)


def is_true(formula: Formula, facts: Facts) -> bool:
    """Return the value of a formula by plain Python."""
    return holds(formula, lambda leaf: _holds(leaf, facts))


def _holds(check: object, facts: Facts) -> bool:
    assert isinstance(check, Check)
    name = facts.real if check.subject is Subject.REAL else facts.name
    if isinstance(check, ProcessCheck):
        return bool(facts.verdict >> check.number & 1)
    if isinstance(check, SearchCheck):
        return check.text in name
    if isinstance(check, BytesCheck):
        begin = {NamePart.START: 0, NamePart.FILE: name.rfind(b"/") + 1}.get(check.part)
        at = len(name) - check.offset if begin is None else begin + check.offset
        return at >= 0 and (name + b"\0")[at : at + len(check.value)] == check.value
    assert isinstance(check, NumberCheck)
    return RELATIONS[check.relation](_number(check, facts), check.constant)


def _number(check: NumberCheck, facts: Facts) -> int:
    if check.of_name:
        name = facts.real if check.about is Subject.REAL else facts.name
        facts_of = {
            "length": len(name),
            "slash": max(name.rfind(b"/"), 0),
            "climbs": b"../" in name,
            "hidden": b"/." in name,
        }
        return int(facts_of[check.member])
    number = facts.numbers[check.about, check.member, check.element]
    if check.narrow:
        number &= 0xFFFFFFFF
    return number if check.mask is None else number & check.mask


def scratch_of(facts: Facts, *, junk: Sequence[int]) -> bytearray:
    """Return struct filter_scratch as the subprograms fill it; `junk`: bytes that earlier names have left behind."""
    scratch = bytearray(wire.size("filter_scratch"))
    size = wire.size("tested_path") - wire.place("tested_path", "bytes").offset
    for which, name in (("given", facts.name), ("real", facts.real)):
        at = wire.place("filter_scratch", f"{which}.bytes").offset
        scratch[at : at + size] = bytes(junk[:size]).ljust(size, b"z")
        scratch[at : at + len(name) + 1] = name + b"\0"
        slash = max(name.rfind(b"/"), 0)
        file = wire.place("filter_scratch", f"{which}.file").offset
        scratch[file : file + 32] = scratch[at + slash + 1 : at + slash + 33]
        found = {"length": len(name), "slash": slash, "climbs": b"../" in name, "hidden": b"/." in name}
        for member, value in found.items():
            put(scratch, "filter_scratch", f"{which}.{member}", value)
    for (subject, member, element), value in facts.numbers.items():
        if subject is not Subject.CALL:
            put(scratch, "filter_scratch", subject.value[1] + member, value, element)
    return scratch


def call_of(facts: Facts, number: int) -> bytearray:
    """Return struct syscall_ctx."""
    call = bytearray(wire.size("syscall_ctx"))
    for (subject, member, element), value in facts.numbers.items():
        if subject is Subject.CALL:
            put(call, "syscall_ctx", member, value, element)
    put(call, "syscall_ctx", "number", number)
    return call


def put(memory: bytearray, struct: str, member: str, value: int, element: int = 0) -> None:
    place = wire.place(struct, member)
    at = place.offset + element * place.size
    memory[at : at + place.size] = (value & (1 << 8 * place.size) - 1).to_bytes(place.size, "little")
