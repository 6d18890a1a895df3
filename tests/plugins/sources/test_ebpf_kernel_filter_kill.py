"""Conditions that the kernel decides for good, so that a rule may kill there; and the programs made of them."""

import os
import random
from collections import Counter
from collections.abc import Callable

import pytest

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.cli.pushdown import act_lines, why
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import FALSE, Formula
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.language.conditions import RuleInput, check, compile_rules, parse
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.sources.ebpf import assembly, pushdown, wire
from mozu.plugins.sources.ebpf.kernel_filter import names, settled
from mozu.plugins.sources.ebpf.kernel_filter.check import NumberCheck, ProcessCheck, Subject, about, checks
from mozu.plugins.sources.ebpf.kernel_filter.deny import undenied
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import MAX_COST
from mozu.plugins.sources.ebpf.kernel_filter.kill import decided, kill_functions, undecided
from mozu.plugins.sources.ebpf.kernel_filter.kill_program import kill_program
from mozu.plugins.sources.ebpf.maps import JUDGED_INDEX
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode, Symbol
from tests.support import bpf_machine, filter_facts
from tests.support.filter_facts import CUT, Facts, is_true, of_address, of_program, of_reached, random_facts, with_facts

FIELDS = FieldRegistry(builtin_fields())
ROUNDS = 500 if os.environ.get("MOZU_FUZZ") == "full" else 40
OPENAT = SYSCALL_SPECS["openat"]
FAILS = "it may hold of an exec that fails; add `evt.res = SUCCESS`"
SHADOW = "evt.type in (open, openat, openat2, creat) and fd.realpath = /etc/shadow"


def predicates(condition: str) -> dict[str, Formula]:
    checked = check(parse(condition), FIELDS, "syscall")
    assert not checked.problems
    return dict(compile_rules([RuleInput("rule", "syscall", checked.node)], FIELDS).predicates["syscall"])


def reason(condition: str, name: str) -> str:
    found = undecided(SYSCALL_SPECS[name], predicates(condition)[name])
    return f"{found.field} {found.op}" if isinstance(found, Comparison) else str(found)


@pytest.mark.parametrize("name", ["open", "openat", "openat2", "creat"])
def test_the_path_that_was_reached_is_decided_at_every_open(name: str) -> None:
    predicate = predicates(SHADOW)[name]

    assert undecided(SYSCALL_SPECS[name], predicate) is None
    assert {Subject.REAL} == {one.subject for one in checks(decided(SYSCALL_SPECS[name], predicate))}


@pytest.mark.parametrize(
    ("condition", "name", "expected"),
    [
        ("evt.type = openat and fd.name = /etc/shadow", "openat", "fd.name ="),
        ("evt.type = openat and fd.realpath != /etc/shadow", "openat", "fd.realpath !="),
        ("evt.type = openat and fd.realpath contains shadow", "openat", "fd.realpath contains"),
        ("evt.type = openat and fd.realpath = /etc/shadow and proc.name = cat", "openat", "proc.name ="),
        ("evt.type = openat and fd.realpath = /etc/shadow and user.uid = 0", "openat", "user.uid ="),
        ("evt.type = openat2 and fd.realpath = /a and evt.is_open_read = true", "openat2", "evt.is_open_read ="),
        ("evt.type = openat", "openat", "it is true of every such call"),
        ("evt.type = sendto and fd.sport = 22", "sendto", "what such a call is about is not resolved in the kernel"),
        ("evt.type = connect and fd.rip = 1.2.3.4", "connect", "fd.rip ="),
        ("evt.type = connect and fd.l4proto = udp", "connect", "fd.l4proto ="),
        ("evt.type = bind and fd.type = ipv4", "bind", "fd.type ="),
        ("evt.type = ptrace and evt.arg.request contains PTRACE_UNKNOWN", "ptrace", "evt.arg.request contains"),
        ("evt.type = execve and proc.exepath = /x", "execve", FAILS),
        ("evt.type = execve and evt.res = SUCCESS and proc.name = x", "execve", "proc.name ="),
    ],
)
def test_what_is_not_decided_for_good_is_named(condition: str, name: str, expected: str) -> None:
    assert expected == reason(condition, name)


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ("evt.type = openat and fd.realpath startswith /etc/ssl/private/ and evt.is_open_read = true", "openat"),
        ("evt.type = openat and fd.realpath endswith .kdbx and fd.num >= 0", "openat"),
        ("evt.type = openat and (fd.realpath in (/a, /b) or not evt.rawres >= 0)", "openat"),
        ("evt.type = ptrace and evt.rawarg.pid in (1, 77777)", "ptrace"),
        ("evt.type = ptrace and evt.arg.request in (PTRACE_ATTACH, PTRACE_SEIZE) and evt.rawres = 0", "ptrace"),
        ("evt.type = connect and fd.sip = 10.1.2.3 and fd.sport in (80, 443) and fd.l4proto = tcp", "connect"),
        ("evt.type = connect and fd.snet in (10.0.0.0/8, fc00::/7) and not fd.sport < 1024", "connect"),
        ("evt.type = dup2 and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)", "dup2"),
        ("evt.type in (execve, execveat) and evt.res = SUCCESS and proc.is_exe_upper_layer = true", "execve"),
        ("evt.type in (execve, execveat) and evt.rawres >= 0 and proc.exepath startswith /tmp/", "execveat"),
    ],
)
def test_results_registers_and_reached_paths_are_decided(condition: str, name: str) -> None:
    assert undecided(SYSCALL_SPECS[name], predicates(condition)[name]) is None


def test_a_program_reads_no_path_that_was_given_and_goes_on_behind_itself() -> None:
    spec = SYSCALL_SPECS["openat"]
    (found,) = kill_functions([{spec: predicates(SHADOW)["openat"]}]).values()

    called = [one.name for one in found.code.relocations if one.kind is Symbol.SUBPROGRAM]
    assert ["kill_part_real", "kill_part_act"] == called
    assert found.name.startswith("kill_")


def acting(
    code: RelocatableCode,
    facts: Facts,
    *,
    reached: int = 1,
    name: str = "openat",
    asked: dict[str, int] | None = None,
) -> int:
    """Return the number of the rule that acts on a call; 0 if none does. The call goes on behind the program in any
    case, an exec to the part behind its kill rules. `asked` receives the request to the subprogram that looks at a
    socket.
    """
    spec = SYSCALL_SPECS[name]
    call, scratch = filter_facts.call_of(facts, spec.number), filter_facts.scratch_of(facts, junk=bytes(600))
    acted: list[int] = []

    def read(member: str) -> int:
        place = wire.place("filter_scratch", member)
        return int.from_bytes(scratch[place.offset : place.offset + place.size], "little")

    def act() -> int:
        acted.append(read("kill_rule"))
        return 0

    def look() -> int:
        if asked is not None:
            asked.update({member: read(member) for member in ("kill_fd", "kill_wants_peer")})
        return reached

    found = bpf_machine.run(
        code,
        {"SYSCALL_CTX": call, "FILTER_SCRATCH": scratch},
        {
            "part_open_args": lambda: 0,
            "kill_part_real": lambda: reached,
            "kill_part_socket": look,
            "kill_part_executable": lambda: 0,
            "kill_part_act": act,
        },
    )
    assert (JUDGED_INDEX if name == "execve" else spec.number + 2 * NUMBERS_END) == found.tail_call
    assert bpf_machine.run(code, {}, {}).returned == 0
    return acted[0] if acted else 0


def test_the_first_rule_that_is_true_acts_and_none_where_none_is_fuzz() -> None:
    seen: Counter[int] = Counter()
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        rules = [(number, of_reached(chance)) for number in (1, 2, 3)]
        code = kill_program(rules, OPENAT)
        for _ in range(12):
            facts = random_facts(chance)
            expected = next((number for number, formula in rules if is_true(formula, facts)), 0)
            assert expected == acting(code, facts), (seed, rules, facts)
            seen[expected] += 1
    assert {0, 1, 2, 3} == set(seen)


@pytest.mark.parametrize(("name", "formula"), [("connect", of_address), ("dup2", of_address), ("execve", of_program)])
def test_rules_on_sockets_and_programs_act_as_those_on_paths_do_fuzz(
    name: str, formula: Callable[[random.Random], Formula]
) -> None:
    seen: Counter[int] = Counter()
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        rules = [(number, formula(chance)) for number in (1, 2)]
        code = kill_program(rules, SYSCALL_SPECS[name])
        for _ in range(12):
            facts = with_facts(chance, random_facts(chance))
            expected = next((number for number, one in rules if is_true(one, facts)), 0)
            found = acting(code, facts, name=name)
            is_lost = name == "execve" and bool(facts.numbers[Subject.FACTS, "executable", 0] & CUT)
            assert found == expected or is_lost, (seed, rules, facts)
            seen[found] += 1
    assert {0, 1, 2} == set(seen)


@pytest.mark.parametrize(("name", "fd"), [("connect", 0), ("dup", -1), ("dup2", -1), ("dup3", -1)])
@pytest.mark.parametrize("member", ["family", "port"])
def test_the_socket_of_the_descriptor_of_a_call_is_looked_at(name: str, fd: int, member: str) -> None:
    """The peer is looked at only if a rule is about it: `fd` is the argument, -1 the result."""
    code = kill_program([(7, NumberCheck(Subject.FACTS, member, "==", 5))], SYSCALL_SPECS[name])
    facts = with_facts(random.Random(1), random_facts(random.Random(1)))
    numbers = {**facts.numbers, (Subject.FACTS, member, 0): 5, (Subject.CALL, "result", 0): 1234}
    numbers[Subject.CALL, "args", 0] = 77
    asked: dict[str, int] = {}

    assert 7 == acting(code, facts._replace(numbers=numbers), name=name, asked=asked)
    assert {"kill_fd": 1234 if fd == -1 else 77, "kill_wants_peer": int(member == "port")} == asked
    assert 0 == acting(code, facts._replace(numbers=numbers), name=name, reached=2)


def test_a_path_that_cannot_be_reported_kills_for_no_rule() -> None:
    code = kill_program([(1, about(names.equal("/etc/shadow"), Subject.REAL))], OPENAT)
    facts = random_facts(random.Random(1))._replace(real=b"/etc/shadow")

    assert (1, 0) == (acting(code, facts), acting(code, facts, reached=2))


def test_rules_of_one_call_share_its_program_and_the_act() -> None:
    rules = [
        {SYSCALL_SPECS[name]: one for name, one in predicates(SHADOW.replace("/etc/shadow", path)).items()}
        for path in ("/etc/shadow", "/etc/gshadow")
    ]
    found = kill_functions(rules)

    assert {"open", "openat", "openat2", "creat"} == set(found)
    called = [one.name for one in found["openat"].code.relocations if one.kind is Symbol.SUBPROGRAM]
    assert called.count("kill_part_act") == called.count("kill_part_real") == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_rule_acts_under_its_number_among_all(number: int) -> None:
    rules: list[dict[SyscallSpec, Formula]] = [{}, {}, {}]
    rules[number - 1] = {OPENAT: predicates(SHADOW)["openat"]}
    facts = random_facts(random.Random(1))._replace(real=b"/etc/shadow")

    assert number == acting(kill_functions(rules)["openat"].code, facts)


def test_an_exec_that_succeeds_is_of_one_call_whichever_it_was() -> None:
    """Events of execveat are those of calls that failed."""
    condition = "evt.type in (execve, execveat) and evt.res = SUCCESS and proc.is_exe_upper_layer = true"
    rule = {SYSCALL_SPECS[name]: one for name, one in predicates(condition).items()}

    assert {"execve"} == set(kill_functions([rule]))
    assert all(decided(spec, one) is FALSE for spec, one in rule.items() if spec.name == "execveat")


def test_a_condition_that_never_holds_needs_no_program() -> None:
    assert {} == kill_functions([{SYSCALL_SPECS["openat"]: FALSE}])


def connecting_to(count: int) -> str:
    """Return a condition on `count` addresses."""
    return f"evt.type = connect and fd.sip in ({', '.join(f'10.1.{one >> 8}.{one & 255}' for one in range(count))})"


def test_a_condition_of_too_many_comparisons_is_refused_and_leaves_other_calls_alone() -> None:
    connect, openat = SYSCALL_SPECS["connect"], predicates(SHADOW)["openat"]
    many = predicates(connecting_to(MAX_COST))["connect"]

    assert "it has too many comparisons" == undecided(connect, many)
    assert {"openat"} == set(kill_functions([{connect: many, OPENAT: openat}]))


def test_a_very_long_list_is_refused_before_its_items_become_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    many = predicates(connecting_to(MAX_COST + 1))
    monkeypatch.delattr(settled, "_within")

    assert "it has too many comparisons" == undecided(SYSCALL_SPECS["connect"], many["connect"])
    assert "it has too many comparisons" == undenied("connect", many)


def test_a_call_whose_program_would_be_too_long_has_none_and_others_have_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = {SYSCALL_SPECS["connect"]: predicates(connecting_to(64))["connect"], OPENAT: predicates(SHADOW)["openat"]}
    assert {"connect", "openat"} == set(kill_functions([rule]))

    monkeypatch.setattr(assembly, "_FARTHEST", 100)

    assert {"openat"} == set(kill_functions([rule]))


def test_only_comparisons_are_decided() -> None:
    """Conditions of other evaluators may have other parts."""
    assert "a part of the condition is no comparison" == undecided(OPENAT, ProcessCheck(1))


def test_what_people_are_reported_has_the_same_reasons() -> None:
    condition = "evt.type in (open, openat2) and fd.realpath = /a and evt.is_open_read = true"
    demand = Demand({"syscall": {name: Interest(predicate=one) for name, one in predicates(condition).items()}})
    found = {
        name: {"undecided": why(one.undecided), "precision": "", "inexact": ""}
        for name, one in pushdown(demand, FIELDS).items()
    }

    assert ["open: yes", "openat2: no: it is not decided there for good: evt.is_open_read = true"] == sorted(
        act_lines(found, "undecided")
    )
    assert "the source does not act in the kernel" == why(Pushdown(Precision.NONE).undecided)
