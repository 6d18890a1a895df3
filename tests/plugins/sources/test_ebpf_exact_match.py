"""Exact matches: calls that a rule names, which the program of a filter marks, and no others."""

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.formula import FALSE, Formula, any_of
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter import choose, names
from mozu.plugins.sources.ebpf.kernel_filter.exact_match import reads_no_more
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName, open_program, plain_program
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from mozu.plugins.sources.ebpf.tracepoints import filterable_types
from tests.support import bpf_machine, filter_facts
from tests.support.filter_calls import Call, Sock, decided
from tests.support.filter_comparison import wants
from tests.support.filter_facts import Facts, is_true, of_call, of_open, random_facts, random_formula

ROUNDS: Final = 1000 if os.environ.get("MOZU_FUZZ") == "full" else 60
EXACT: Final = wire.place("syscall_ctx", "exact")
OPENAT: Final = SYSCALL_SPECS["openat"]
OF_IP: Final = "fd.type in (ipv4, ipv6)"
CONNECTION, FILE = Sock(family=2, protocol=6, state=1, remote_port=80), Sock()


def is_marked(code: RelocatableCode, facts: Facts, number: int, *, named: bool = True) -> bool:
    """Return True if the call was an exact match when it passed."""
    call = filter_facts.call_of(facts, number)
    call[EXACT.offset : EXACT.offset + EXACT.size] = bytes(EXACT.size)
    found = bpf_machine.run(
        code,
        {"SYSCALL_CTX": call, "FILTER_SCRATCH": filter_facts.scratch_of(facts, junk=bytes(600))},
        {
            "part_open_args": lambda: 0,
            "part_name": lambda: int(named),
            "part_reached": lambda: int(facts.real != facts.name),
            "part_process_bits": lambda: facts.verdict,
            "part_must_emit_path": lambda: 1,
            "part_count_filtered": lambda: 0,
        },
    )
    return found.tail_call is not None and any(call[EXACT.offset : EXACT.offset + EXACT.size])


@pytest.mark.parametrize("opened", [OpenedName.UNUSED, OpenedName.KEPT])
def test_an_open_is_marked_if_and_only_if_the_formula_is_true_fuzz(opened: OpenedName) -> None:
    decided = marked_where_true(of_open, OPENAT.number, lambda either, exact: open_program(either, opened, exact))
    assert min(decided.values()) > ROUNDS


def test_another_call_is_marked_if_and_only_if_the_formula_is_true_fuzz() -> None:
    spec = SYSCALL_SPECS["ptrace"]
    decided = marked_where_true(of_call, spec.number, lambda either, exact: plain_program(either, spec, exact))
    assert decided.total() > 0


def marked_where_true(
    leaf: Callable[[random.Random], Formula], call: int, program: Callable[[Formula, Formula], RelocatableCode]
) -> Counter[bool]:
    """Return how often an exact formula was true and false, for random formulas and facts. `program` makes the filter
    from (formula of all wanted calls, exact part of it).
    """
    decided = Counter({True: 0, False: 0})
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        exact, other = random_formula(chance, leaf), random_formula(chance, leaf)
        either = any_of((exact, other))
        if not reads_no_more(exact, either):
            continue
        code = program(either, exact)
        for _ in range(12):
            facts = random_facts(chance)
            assert is_true(exact, facts) is is_marked(code, facts, call), (seed, exact, other, facts)
            decided[is_true(exact, facts)] += 1
    return decided


def test_a_path_that_is_not_plain_is_no_exact_match() -> None:
    shadow = names.equal("/etc/shadow")
    code = open_program(shadow, OpenedName.UNUSED, shadow)
    facts = random_facts(random.Random(1))._replace(name=b"/etc/shadow")

    assert is_marked(code, facts, OPENAT.number)
    assert not is_marked(code, facts, OPENAT.number, named=False)


def named(*rules: str, kind: str = "openat") -> bool:
    """Return True if some call can be an exact match of these rules."""
    demand = wants([f"evt.type = {kind} and {rule}" for rule in rules])
    function = choose(demand, demand.of("syscall")).functions.get(kind)
    return function is not None and function.exact is not FALSE


@pytest.mark.parametrize(
    ("rule", "is_named"),
    [
        ("fd.name = /etc/shadow", True),
        ("fd.name = /etc/shadow and evt.is_open_read = true", True),
        ("fd.name startswith /etc/ and not fd.name startswith /etc/ssl and evt.failed = false", True),
        ("fd.name = /etc/shadow and user.uid = 0", True),
        ("fd.name = /etc/shadow and not proc.name in (sshd, login)", True),
        ("fd.name = /etc/shadow and not proc.aname[3] = make", True),
        # the rule is not about the path
        ("proc.aname[3] = make", False),
        ("evt.is_open_write = true and proc.aname[3] = make", False),
        ("not fd.name = /etc/shadow", False),
        # something of the call itself is left to user space
        ("fd.name = /etc/shadow and fd.name regex s.adow", False),
        ("fd.name = /etc/shadow and evt.arg.mode = 0", False),
        ("fd.name = /etc/shadow and fd.filename = val(proc.name)", False),
        ("fd.name = /etc/shadow and proc.name = val(proc.pname)", False),
    ],
)
def test_a_rule_names_the_calls_of_which_the_kernel_tests_all_that_it_says(rule: str, is_named: bool) -> None:
    assert is_named is named(rule)


def test_one_rule_that_names_calls_is_enough() -> None:
    assert named("fd.name = /etc/shadow", "fd.name = /x and fd.name regex y")


@pytest.mark.parametrize("kind", ["unlink", "rename", "link", "mkdir"])
def test_a_call_on_names_is_not_named_by_a_rule_on_the_name(kind: str) -> None:
    """Kernel filters do not test the name, otherwise every removal of a build would wake mozu."""
    assert not named("evt.failed = false and fs.path.name startswith /etc/", kind=kind)
    assert named("evt.failed = false and proc.aname[2] = x", kind=kind)


def test_a_call_without_a_path_is_named_by_its_parameters() -> None:
    assert named("evt.rawarg.pid = 77777 and proc.aname[2] = x", kind="ptrace")


def test_a_protocol_is_part_of_an_exact_match_only_where_the_filter_looks_it_up() -> None:
    other = "not fd.l4proto = udp and evt.rawres > 5"

    assert named("fd.l4proto = tcp and evt.rawres > 7", other, kind="recvfrom")
    assert not named("fd.type = ipv4 and evt.rawres > 7", other, kind="recvfrom")


@pytest.mark.parametrize("name", ["dup", "dup2", "fcntl"])
@pytest.mark.parametrize("rule", [f"{OF_IP} and evt.rawres in (0, 1, 2)", OF_IP, None])
def test_a_copy_of_a_descriptor_is_an_exact_match_where_a_rule_names_it(name: str, rule: str | None) -> None:
    """The state asks for all copies that become a standard descriptor."""
    of_copies = [] if rule is None else [f"evt.type = {name} and {rule}"]
    demand = wants([*of_copies, "evt.type = execve and proc.stdin.type = ipv4"])
    code = choose(demand, filterable_types(demand)).functions[name].code
    spec = SYSCALL_SPECS[name]
    found = [
        (one.passes, one.is_marked)
        for sock in (CONNECTION, FILE)
        for result in (0, 9)
        for one in (decided(code, Call(spec, (7, 0, 0, 0, 0, 0), result, sock=sock)),)
    ]
    is_named, beyond = rule is not None, rule == OF_IP
    assert [(True, is_named), (beyond, beyond), (True, False), (False, False)] == found
