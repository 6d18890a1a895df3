"""Conditions that are decided before the call, so that a rule may deny it; and the programs made of them."""

import random
from collections import Counter
from typing import Final, NamedTuple

import pytest

from mozu.core.cli.pushdown import act_lines, why
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import FALSE, Formula, negation
from mozu.plugins.sources.ebpf import assembly, pushdown, wire
from mozu.plugins.sources.ebpf.kernel_filter import names
from mozu.plugins.sources.ebpf.kernel_filter.check import ProcessCheck, Subject, about, replaced
from mozu.plugins.sources.ebpf.kernel_filter.deny import PLACES, deny_functions, undenied
from mozu.plugins.sources.ebpf.kernel_filter.deny_program import DENY_PARTS_OF, deny_program
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import MAX_COST
from mozu.plugins.sources.ebpf.maps import DENY_SLOTS
from mozu.plugins.sources.ebpf.objects import kernel_features
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode, Symbol
from tests.plugins.sources.test_ebpf_kernel_filter_kill import FIELDS, ROUNDS, connecting_to, predicates
from tests.support import bpf_machine, filter_facts
from tests.support.filter_facts import (
    CUT,
    Facts,
    is_true,
    of_address,
    of_program,
    of_reached,
    random_facts,
    with_facts,
)

OPENS = "evt.type in (open, openat, openat2, creat)"
EXECS = "evt.type in (execve, execveat)"
SENDS = "evt.type in (sendto, sendmsg, sendmmsg)"
OUT = "evt.type = connect and fd.sip = 10.1.2.3 and fd.sport = 443 and fd.l4proto = tcp"


def reason(condition: str, name: str) -> str:
    found = undenied(name, predicates(condition))
    return f"{found.field} {found.op}" if isinstance(found, Comparison) else str(found)


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        (f"{OPENS} and fd.realpath = /etc/shadow", "openat"),
        (f"{OPENS} and fd.realpath startswith /etc/ and evt.is_open_write = true", "openat2"),
        (f"{OPENS} and fd.realpath = /etc/shadow and fd.num >= 0 and evt.failed = false", "creat"),
        (f"{EXECS} and proc.exepath startswith /tmp/", "execve"),
        (f"{EXECS} and evt.res = SUCCESS and proc.is_exe_from_memfd = true", "execveat"),
        (f"{OUT} and evt.rawres >= 0", "connect"),
        (f"{SENDS} and fd.snet = 10.0.0.0/8 and fd.sport = 53 and fd.l4proto = udp", "sendmsg"),
        (f"{SENDS} and fd.sip = 2001:db8::1 and evt.rawres >= 0", "sendto"),
    ],
)
def test_what_a_hook_can_tell_is_decided(condition: str, name: str) -> None:
    assert "None" == reason(condition, name)


@pytest.mark.parametrize(
    ("condition", "name", "expected"),
    [
        (f"{OPENS} and fd.name = /etc/shadow", "openat", "fd.name ="),
        (f"{OPENS} and fd.realpath = /a and fd.num = 3", "openat", "fd.num ="),
        (f"{OPENS} and fd.realpath = /a and fd.ino = 22", "openat", "fd.ino ="),
        (f"{OPENS} and fd.realpath = /a and evt.is_open_exec = true", "openat", "evt.is_open_exec ="),
        (f"{OPENS} and fd.realpath = /a and evt.failed = true", "openat", "it is true of no call that succeeds"),
        (f"{OPENS} and fd.num >= 0", "openat", "it is true of every such call"),
        (
            "evt.type in (open, openat) and fd.realpath = /a", "openat",
            "the hook does not know which call it is; name all of open, openat, openat2, creat",
        ),
        (
            f"{OPENS} and (fd.realpath = /a or evt.type = openat and fd.realpath = /b)", "openat",
            "the condition says different things of open, openat, openat2, creat",
        ),
        (f"{EXECS} and proc.name = sh", "execve", "proc.name ="),
        ("evt.type = connect and fd.sip = 1.2.3.4 and fd.l4proto = udp", "connect", "fd.l4proto ="),
        (f"{SENDS} and fd.name contains 10.1.2.3", "sendto", "fd.name contains"),
        (f"{SENDS} and fd.rip = 10.1.2.3", "sendmmsg", "fd.rip ="),
        (
            "evt.type = sendto and fd.sip = 10.1.2.3", "sendto",
            "the hook does not know which call it is; name all of sendto, sendmsg, sendmmsg",
        ),
        ("evt.type = ptrace and evt.rawres = 0", "ptrace", "no hook of the security modules decides such a call"),
        ("evt.type = unlinkat and fd.name = /a", "unlinkat", "no hook of the security modules decides such a call"),
    ],
)  # fmt: skip
def test_what_it_cannot_is_said(condition: str, name: str, expected: str) -> None:
    assert expected == reason(condition, name)


def functions(*conditions: str) -> dict[str, RelocatableCode]:
    rules: list[dict[str, Formula]] = [predicates(one) if one else {} for one in conditions]
    return deny_functions(rules)


def parts(code: RelocatableCode) -> list[str]:
    return [one.name for one in code.relocations if one.kind is Symbol.SUBPROGRAM]


def test_each_hook_has_one_program_of_all_its_rules() -> None:
    found = functions(f"{OPENS} and fd.realpath = /a", "", f"{OPENS} and fd.realpath = /b", OUT)

    assert ["deny_part_open", "deny_part_act"] == parts(found.pop("file_open"))
    assert {
        "socket_connect": ["deny_part_connect", "deny_part_act"],
        "socket_sendmsg": ["deny_part_message", "deny_part_act"],
    } == {hook: parts(code) for hook, code in found.items()}


def test_connections_and_datagrams_share_the_hook_of_messages() -> None:
    sent = f"{SENDS} and fd.sip = 10.1.2.3"
    both, one, other = (functions(*conditions) for conditions in ((sent, OUT), (sent,), (OUT,)))

    assert {"socket_sendmsg"} == set(one)
    assert {"socket_connect", "socket_sendmsg"} == set(both)
    assert 3 == len({found["socket_sendmsg"].name for found in (both, one, other)})
    assert other["socket_connect"].name != both["socket_connect"].name  # by the number of its rule


def test_a_condition_of_too_many_comparisons_is_refused_and_leaves_other_hooks_alone() -> None:
    many = f"{connecting_to(MAX_COST)} and fd.l4proto = tcp"

    assert "it has too many comparisons" == reason(many, "connect")
    assert {"file_open"} == set(functions(f"{OPENS} and fd.realpath = /a", many))


def test_a_hook_whose_program_would_be_too_long_has_none_and_others_have_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = f"{connecting_to(64)} and fd.l4proto = tcp"
    rules = (many, f"{SENDS} and fd.sip = 10.1.2.3", f"{OPENS} and fd.realpath = /a")
    monkeypatch.setattr(assembly, "_FARTHEST", 120)

    assert {"file_open"} == set(functions(*rules))
    assert {"file_open", "socket_sendmsg"} == set(functions(*rules[1:]))


def test_only_comparisons_are_decided() -> None:
    """Conditions of other evaluators may have other parts."""
    one = dict.fromkeys(("open", "openat", "openat2", "creat"), ProcessCheck(1))
    assert "a part of the condition is no comparison" == undenied("openat", one)


def test_equal_rules_make_an_equal_program_and_others_another() -> None:
    one, same, other = (functions(f"{OPENS} and fd.realpath = {path}")["file_open"].name for path in ("/a", "/a", "/b"))

    assert one == same != other


def test_hooks_are_those_that_programs_are_attached_to() -> None:
    assert set(kernel_features.HOOKS) == set(DENY_PARTS_OF) == {hook for place in PLACES for hook in place.hooks}


SLOT: Final = wire.size("filter_scratch")


def of_opened(chance: random.Random) -> Formula:
    """Return a test for a hook, which is given no call."""
    return replaced(of_reached(chance), lambda check: FALSE if check.subject is Subject.CALL else check)


HOOKS: Final = {"file_open": of_opened, "bprm_check_security": of_program, "socket_connect": of_address}


class Denial(NamedTuple):
    """Outcome of a program at a hook."""

    returned: int | None
    rule: int
    """Number of the rule that acted; 0 if none did."""
    called: list[str]


def at_hook(code: RelocatableCode, facts: Facts, *, found: int = 1, acts: int = 1, busy: int = 0) -> Denial:
    """Run a program at a hook. `found`: result of the subprogram that looks at the arguments; `acts`: True if the rule
    denies; `busy`: number of slots in which other programs work.
    """
    slots = [filter_facts.scratch_of(facts, junk=bytes(600)) + bytearray(8) for _ in range(DENY_SLOTS)]
    before = [(int(number < busy)).to_bytes(8, "little") for number in range(DENY_SLOTS)]
    for slot, taken in zip(slots, before, strict=True):
        slot[SLOT:] = taken
    place = wire.place("filter_scratch", "kill_rule").offset
    numbers: list[int] = []

    def act() -> int:
        slot = slots[busy]
        assert slot[SLOT:] == b"\1" + bytes(7)
        numbers.append(int.from_bytes(slot[place : place + 8], "little"))
        return acts

    subprograms = dict.fromkeys(DENY_PARTS_OF.values(), lambda: found) | {"deny_part_act": act}
    ended = bpf_machine.run(code, {"DENY_SLOTS": slots}, subprograms, argument=("", "DENY_SLOTS"))
    assert [slot[SLOT:] for slot in slots] == before
    return Denial(ended.returned, numbers[0] if numbers else 0, ended.called)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_first_rule_that_is_true_denies_and_none_where_none_is_fuzz(hook: str) -> None:
    seen: Counter[int] = Counter()
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        rules = [(number, HOOKS[hook](chance)) for number in (1, 2, 3)]
        code = deny_program(rules, hook)
        for _ in range(10):
            facts = with_facts(chance, random_facts(chance))
            is_lost = hook == "bprm_check_security" and bool(facts.numbers[Subject.FACTS, "executable", 0] & CUT)
            expected = next((number for number, formula in rules if is_true(formula, facts)), 0)
            found = at_hook(code, facts)
            if not is_lost:
                assert (expected, -1 if expected else 0) == (found.rule, found.returned), (seed, rules, facts)
            seen[found.rule] += 1
    assert {0, 1, 2, 3} == set(seen)


def test_a_rule_that_does_not_act_denies_nothing_and_neither_does_what_cannot_be_reported() -> None:
    code = deny_program([(4, about(names.equal("/a"), Subject.REAL))], "file_open")
    facts = random_facts(random.Random(1))._replace(real=b"/a")

    assert Denial(-1, 4, ["deny_part_open", "deny_part_act"]) == at_hook(code, facts)
    assert Denial(0, 4, ["deny_part_open", "deny_part_act"]) == at_hook(code, facts, acts=0)
    assert Denial(0, 0, ["deny_part_open"]) == at_hook(code, facts, found=2)


@pytest.mark.parametrize("busy", range(DENY_SLOTS + 1))
def test_a_program_works_in_the_first_slot_that_no_other_has(busy: int) -> None:
    """A program denies nothing if all slots are taken."""
    code = deny_program([(4, about(names.equal("/a"), Subject.REAL))], "file_open")
    facts = random_facts(random.Random(1))._replace(real=b"/a")

    found = at_hook(code, facts, busy=busy)

    assert ((0, 0) if busy == DENY_SLOTS else (-1, 4)) == (found.returned, found.rule)


def test_a_program_whose_path_is_not_known_is_denied_by_no_test_of_the_path() -> None:
    not_there = negation(about(names.equal("/a"), Subject.REAL))
    code = deny_program([(4, not_there)], "bprm_check_security")
    facts = random_facts(random.Random(1))._replace(real=b"/b")
    lost, known = (
        facts._replace(numbers={**facts.numbers, (Subject.FACTS, "executable", 0): marks}) for marks in (CUT, 0)
    )

    assert (0, 4) == (at_hook(code, lost).rule, at_hook(code, known).rule)


@pytest.mark.parametrize("missing", ["", "no BPF LSM here"])
def test_people_are_reported_whether_this_machine_can(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(kernel_features, "why_nothing_is_denied", lambda: missing)
    wanted = predicates(OUT)
    demand = Demand({"syscall": {name: Interest(predicate=one) for name, one in wanted.items()}})
    found = {name: {"undenied": why(one.undenied)} for name, one in pushdown(demand, FIELDS).items()}

    expected = "no: not available: no BPF LSM here" if missing else "yes"
    assert [f"connect: {expected}"] == act_lines(found, "undenied")
