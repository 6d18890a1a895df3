"""A kernel filter and the evaluator in user space are given the same call: a call that a rule matches is never
discarded, and conditions that are decided exactly have the same results. Random calls and conditions, without a kernel.
"""

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from mozu.core.abi.spec import RESULT, SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import Formula, leaves
from mozu.core.language.conditions import RuleInput, check, compile_rules, parse
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.syscalls import convert_open_flags, event_type, flag_table
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction, bounds_of, filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from tests.support.filter_calls import Call, Sock, decided, event_of, random_open
from tests.support.filter_conditions import OPENS, path_near, random_condition, random_test

FULL: Final = 20 if os.environ.get("MOZU_FUZZ") == "full" else 1
FIELDS: Final = FieldRegistry(builtin_fields())
LIKELY: Final = Path("/etc")
NUMBERS: Final = (
    *(0, 1, 2, 3, 4, 7, 8, 10, 64, 255, 256, 1000, 1030, 0x4200, 0x4300, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40),
    *((1 << 40) + 3, (1 << 64) - 1, (1 << 64) - 2),
)
RESULTS: Final = (0, 3, 4, 5, 1000, 1 << 40, -1, -2, -11, -13, -20, -115, -(1 << 40))


class Rule(NamedTuple):
    """Condition on one type of events."""

    spec: SyscallSpec
    text: str
    predicate: Formula
    function: FilterFunction
    program: Any

    def matches(self, call: Call) -> bool:
        """Return True if the rule matches the call's event in user space."""
        return bool(list(self.program.evaluate(StateMachine().apply([event_of(call)]))))

    @property
    def is_tested(self) -> bool:
        """Return True if every comparison is tested exactly for a plain path."""
        return all(bounds_of(leaf, self.spec).is_exact for leaf in leaves(self.predicate))


def rule(name: str, text: str) -> Rule | None:
    """Return the rule, or None if every such call passes, or no event can match."""
    checked = check(parse(f"evt.type = {name} and ({text})"), FIELDS, "syscall")
    assert not checked.problems, checked.problems
    program = compile_rules([RuleInput("rule", "syscall", checked.node)], FIELDS, "all")
    predicate = program.predicates["syscall"].get(name)
    if predicate is None:
        return None
    function = filter_function_of(SYSCALL_SPECS[name], predicate, ProcessPredicates(()))
    return None if function is None else Rule(SYSCALL_SPECS[name], text, predicate, function, program)


def judged(one: Rule, call: Call) -> tuple[bool, bool]:
    """Return (matches, passes), after checks that must always hold of the two."""
    found, matches = decided(one.function.code, call), one.matches(call)
    assert found.passes or not matches, (one.spec.name, one.text, call)
    if one.function.is_exact:
        assert found.passes is matches, (one.spec.name, one.text, call)
    names_processes = any(
        isinstance(leaf, Comparison) and not leaf.field.startswith(("evt.", "fd.")) for leaf in leaves(one.predicate)
    )
    if not names_processes:
        assert matches or not found.is_marked, (one.spec.name, one.text, call)
    return matches, found.passes


# --- opens


@pytest.mark.parametrize("name", OPENS)
def test_opens_that_match_random_conditions_pass_fuzz(name: str) -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(40 * FULL):
        chance = random.Random(seed)
        one = rule(name, text := random_condition(chance, LIKELY))
        for _ in range(20 if one is not None else 0):
            assert one is not None
            seen[judged(one, random_open(chance, one.spec, path_near(chance, text, LIKELY)))] += 1
    assert min(seen[True, True], seen[False, False]) > 100


LOOSE: Final = re.compile(
    r"fd\.(nameraw|type|typechar) |fd\.realpath !=|fd\.directory startswith|fd\.filename (contains|endswith)"
    r"|.* (pmatch|glob) "
)
"""Comparisons for which more calls pass than match: of nameraw, which is tested in the whole path; of the kind of a
failed open; of a real path that there is none of; of a directory, with which a file of that name begins, too; of the
end or a part of a file's name, which are tested in the whole path; of patterns, of which parts are tested.
"""


@pytest.mark.parametrize(
    ("text", "discarded", "passing"),
    [
        ("fd.name pmatch (/etc/x)", "/etc/y /etcx /etc/ax /x", "/etc/x /etc/x/y /etc/xy"),
        ("fd.name pmatch (/etc/*/x)", "/var/x /etcx /x", "/etc/a/x /etc/x"),
        ("fd.name pmatch (/etc/x, /var)", "/etc/y /v /usr/var", "/etc/x/a /var/a"),
        ("fd.realpath pmatch (/etc/x)", "/etc/y /etcx", "/etc/x /etc/x/y"),
        ("fd.directory pmatch (/etc/x)", "/etc/y /x/etc/x", "/etc/x/y /etc/x"),
        ("fd.directory startswith /etc/x", "/etc/y /x/etc/x", "/etc/x/y /etc/xy/z"),
        (
            "fd.name glob /etc/*.d/x?y",
            "/etc/a.d/xay/z /var/a.d/xay /etc/a.c/xay /etc/a.d/x /etc/a.d/y/",
            "/etc/a.d/xby",
        ),
        ("fd.name glob *shadow*", "/etc/shado /etc/hadow", "/etc/shadow /shadow/x /x/gshadow-"),
        ("fd.name glob /a*long*b*c", "/along/b /axxx/bc /xalongbc", "/along/b/c /a/long/b/c"),
        ("fd.name glob /etc/[xy]", "/var/x", "/etc/x /etc/z"),
        ("fd.name glob /etc/x", "/etc/xy /etc", "/etc/x"),
        ("fd.name regex /etc/[^/]+", "/etc/x/y /x /etcx", "/etc/x"),
        ("fd.paths regex /[^/]+", "/etc/x", "/x"),
        ("fd.nameraw glob /etc/*", "/x/etc/a", "/etc/a"),
        ("fd.nameraw startswith /etc/x", "/etc/y /x", "/etc/xy"),
        ("fd.nameraw = /etc/x", "/etc/xy /etc", "/etc/x"),
        ("fd.nameraw contains ../", "/etc/x /a../x/b..", ""),
        ("fd.name contains /.s", "/etc/s /x/.t /a.s", "/etc/.s /.ssh/x"),
        ("fd.nameraw contains /.s", "/etc/s /x/.t /a.s", "/etc/.s"),
    ],
)
def test_of_a_pattern_the_plain_parts_are_tested(text: str, discarded: str, passing: str) -> None:
    one = rule("openat", text)
    assert one is not None
    for paths, expected in ((discarded, False), (passing, True)):
        for path in paths.split():
            call = Call(one.spec, (-100 & (1 << 64) - 1, 0, 0, 0, 0, 0), 3, path, real=path.rstrip("/"))
            if call.is_plain and "../" not in path:
                assert expected is judged(one, call)[1], (text, path)


def test_an_open_of_a_plain_path_that_does_not_match_a_comparison_is_discarded_fuzz() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(400 * FULL):
        chance = random.Random(seed)
        text = random_test(chance, LIKELY)
        one = rule(chance.choice(OPENS), text)
        for _ in range(10 if one is not None and not LOOSE.match(text) else 0):
            assert one is not None
            call = random_open(chance, one.spec, path_near(chance, text, LIKELY))
            matches, passes = judged(one, call)
            is_directory = call.open_flags & 0o200000 and text.startswith(("fd.directory", "fd.filename"))
            assert matches or not passes or not call.is_plain or is_directory, (one.spec.name, text, call)
            seen[matches, passes] += 1
    assert min(seen[True, True], seen[False, False]) > 400


def test_opens_pass_if_and_only_if_they_match_where_all_is_tested_fuzz() -> None:
    seen: Counter[bool] = Counter()
    for seed in range(400 * FULL):
        chance = random.Random(seed)
        one = rule(chance.choice(OPENS), text := random_condition(chance, LIKELY))
        for _ in range(12 if one is not None and one.is_tested else 0):
            assert one is not None
            call = random_open(chance, one.spec, path_near(chance, text, LIKELY))
            if call.is_plain:
                matches, passes = judged(one, call)
                assert matches is passes, (one.spec.name, text, call)
                seen[matches] += 1
    assert min(seen.values()) > 100


def test_flags_that_no_bit_of_the_call_stands_for_are_not_tested() -> None:
    """Flags such as that the call has created the file have other origins in the event. Access is a number of
    two bits.
    """
    bits = [convert_open_flags(1 << bit) for bit in range(32)]
    names = [name for name, number in flag_table("file_flags") if not any(one & number for one in bits)]
    assert names
    names += ["O_RDONLY", "O_WRONLY", "O_RDWR"]
    assert [None] * len(names) == [rule("openat", f"evt.arg.flags contains {name}") for name in names]


# --- results


@pytest.mark.parametrize("name", ["openat", "ptrace", "fchmod", "recvfrom", "read", "chmod", "madvise", "fchmodat2"])
def test_results_are_compared_as_in_user_space(name: str) -> None:
    values = (*("SUCCESS", "ENOENT", "EPERM", "EACCES", "(SUCCESS, ENOENT)", "EAGAIN", "EWHATEVER", '""'),)
    numbers = ("0", "3", "-2", "(0, -13)", "1099511627776", "-1")
    texts = [f"evt.res {op} {value}" for op in ("=", "!=") for value in values if not (op == "!=" and "(" in value)]
    texts = [text.replace("= (", "in (") for text in texts]
    texts += [f"evt.rawres {op} {number}" for op in ("=", "!=", "<", "<=", ">", ">=") for number in numbers[:3]]
    texts += [f"evt.rawres in ({number.strip('()')})" for number in numbers]
    texts += [f"evt.failed {op} {value}" for op in ("=", "!=") for value in ("true", "false")]
    texts += ["evt.res startswith E", "evt.res startswith anyof (E, S)", "evt.res contains E", "evt.failed exists"]
    seen: Counter[tuple[bool, bool]] = Counter()
    for text in (*texts, *(f"not {text}" for text in texts)):
        one = rule(name, text)
        for result in RESULTS:
            sock = Sock() if SYSCALL_SPECS[name].layout.fd != -2 else None
            call = Call(SYSCALL_SPECS[name], (3, 0, 0, 0, 0, 0), result, path="/x", sock=sock)
            if one is not None:
                seen[judged(one, call)] += 1
    if event_type_has_result(name):
        assert min(seen[True, True], seen[False, False]) > 100


@pytest.mark.parametrize("name", OPENS)
@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_the_number_of_a_descriptor_is_the_result_or_minus_one(name: str, operator: str) -> None:
    """The number of a failed open is minus one, however it failed."""
    spec, seen = SYSCALL_SPECS[name], Counter[bool]()
    for constant in (-5, -2, -1, 0, 3, 4):
        text = f"fd.num {operator} {constant}"
        for one in filter(None, (rule(name, text), rule(name, f"not {text}"))):
            for result in RESULTS:
                matches, passes = judged(one, Call(spec, (0,) * 6, result, "/x"))
                assert matches is passes, (name, one.text, result)
                seen[matches] += 1
    assert min(seen.values()) > 10


def event_type_has_result(name: str) -> bool:
    declared = event_type(name)
    return declared is not None and not declared.own_params


# --- parameters


def random_args(chance: random.Random) -> tuple[int, ...]:
    return tuple(
        chance.choice(NUMBERS) if chance.random() < 0.5 else 1 << chance.randrange(34) | chance.randrange(8)
        for _ in range(6)
    )


def parameters() -> Iterator[tuple[SyscallSpec, str, str]]:
    """Yield (call, parameter, table) of all parameters that are numbers of the call itself."""
    for name, spec in sorted(SYSCALL_SPECS.items()):
        declared = event_type(name)
        if declared is None or spec.family not in ("descriptor", "message", "transfer", "number", "path"):
            continue
        for param, operand in zip(declared.params, spec.operands, strict=True):
            if operand.isdigit():
                yield spec, param.name, param.table


def texts_about(chance: random.Random, name: str, table: str) -> list[str]:
    raw = f"evt.rawarg.{name}"
    found = [
        f"{raw} = {chance.choice((0, 3, 8, 1000))}", f"{raw} != 3", f"{raw} in (1, 2, 1030)", f"{raw} > 3",
        f"{raw} = 010", f"{raw} = x",
    ]  # fmt: skip
    if table:
        names = [one for one, _ in flag_table(table)]
        some = chance.sample(names, min(3, len(names)))
        arg = f"evt.arg.{name}"
        found += [f"{arg} contains {one}" for one in some] + [f"{arg} = {one}" for one in some]
        found += [
            f"{arg} != {some[0]}",
            f"{arg} in ({', '.join(some)}, 3)",
            f"{arg} contains anyof ({', '.join(some)})",
        ]
        found += [f"{arg} contains {some[0][:4]}", f"{arg} = 3", f"{arg} contains 3", f"{arg} startswith {some[0]}"]
    return [*found, *(f"not {text}" for text in found)]


def is_refused(name: str, text: str) -> bool:
    """Return True if the check refuses the condition, as with texts for fields that are numbers."""
    return bool(check(parse(f"evt.type = {name} and ({text})"), FIELDS, "syscall").problems)


NUMBER_OF_CODE: Final = re.compile(r"evt\.arg\.\w+ (=|in|contains) .*\b3\b")
"""Comparison of a code that is shown by its name if it has one; the filter tests its number as well."""
NAMELESS: Final = {"ptrace_requests": 0x4300, "socket_families": 256, "bpf_commands": 256, "fcntl_commands": 0x800}
"""Table → number from which on codes have no names: such calls may pass."""


@pytest.mark.parametrize("part", range(4))
def test_every_parameter_is_compared_as_in_user_space_fuzz(part: int) -> None:
    """Calls without a filter pass. A call that a filter lets pass and no rule matches has a code without a name."""
    seen: Counter[tuple[bool, bool]] = Counter()
    for number, (spec, name, table) in enumerate(parameters()):
        if number % 4 != part:
            continue
        for seed in range(FULL):
            chance = random.Random(number + seed * 1000)
            for text in texts_about(chance, name, table):
                one = None if is_refused(spec.name, text) else rule(spec.name, text)
                for _ in range(4 if one is not None else 0):
                    assert one is not None
                    call = Call(spec, random_args(chance), chance.choice(RESULTS), sock=Sock())
                    matches, passes = judged(one, call)
                    may_pass = bool(NUMBER_OF_CODE.search(text)) or has_nameless_code(call, name, table)
                    assert matches is passes or (may_pass and passes), (spec.name, text, call)
                    seen[matches, passes] += 1
    assert min(seen[True, True], seen[False, False]) > 300


def has_nameless_code(call: Call, name: str, table: str) -> bool:
    declared = event_type(call.spec.name)
    assert declared is not None
    position = declared.index(name)
    assert position is not None
    return table in NAMELESS and call.args[int(call.spec.operands[position])] & 0xFFFFFFFF >= NAMELESS[table]


# --- descriptors

SOCKS: Final = (
    None,
    Sock(),
    *(Sock(family, 6, state, port, 80) for family in (2, 10) for state in (1, 7) for port in (0, 443)),
    *(Sock(family, protocol, 7, 53, 80) for family in (2, 10) for protocol in (17, 1, 58)),
    Sock(1, 0, 1),
    Sock(16, 0, 7),
)
KINDS: Final = (
    *("fd.type = ipv4", "fd.type in (ipv4, ipv6)", "fd.type = unix", "fd.type = file", "fd.type in (unix, ipv6)"),
    *(
        "fd.type = pipe",
        "fd.type = netlink",
        "fd.typechar = 4",
        "fd.typechar = 6",
        "fd.typechar = u",
        "fd.typechar = f",
    ),
    *("fd.sockfamily = ip", "fd.sockfamily = unix", "fd.l4proto = tcp", "fd.l4proto = udp", "fd.l4proto = icmp"),
    *("fd.l4proto in (tcp, udp)", "fd.l4proto = na", "fd.connected = true", "fd.connected = false", "fd.type != ipv4"),
    *("fd.num in (0, 1, 5)", "fd.num >= 5", "fd.num != 5"),
    *("fd.connected != true", "fd.connected != false", "fd.type contains ipv", "fd.l4proto != tcp", "fd.type exists"),
)
CALLS_ON_DESCRIPTORS: Final = (
    *("sendto", "sendmsg", "recvfrom", "recvmsg", "fchmod", "ioctl", "read", "dup", "fcntl", "socket", "lseek"),
    "copy_file_range",
    "connect",
)


@pytest.mark.parametrize("name", CALLS_ON_DESCRIPTORS)
def test_what_a_descriptor_is_is_compared_as_in_user_space(name: str) -> None:
    spec, seen = SYSCALL_SPECS[name], Counter[tuple[bool, bool]]()
    joined = [f"{one} and {other}" for one in KINDS[:4] for other in KINDS[13:20:2]]
    for text in (*KINDS, *(f"not {text}" for text in KINDS), *joined, "fd.type = ipv4 and evt.rawres >= 0"):
        one = rule(name, text)
        for sock in SOCKS if one is not None else ():
            assert one is not None
            for result in (5, -1, -11):
                for address in (0, 0x7000) if name == "sendto" else (0,):
                    call = Call(spec, (3, 0, 0, 0, address, 0), result, sock=sock)
                    if sock is None and spec.layout.fd == RESULT and result >= 0:
                        continue  # a descriptor that was made is open
                    seen[judged(one, call)] += 1
    assert seen[True, True] > 10
    assert seen[False, False] > 100


@pytest.mark.parametrize(
    ("text", "name", "address", "looked_up"),
    [
        ("fd.connected = false and fd.type in (ipv4, ipv6)", "sendto", 0, False),
        ("fd.connected = false and fd.type in (ipv4, ipv6)", "sendto", 0x7000, True),
        ("fd.connected = false and fd.type in (ipv4, ipv6)", "recvfrom", 0, True),
        ("fd.connected = false", "sendto", 0, True),
        ("fd.type in (ipv4, ipv6)", "sendto", 0, True),
        ("fd.connected = false and fd.type in (ipv4, unix)", "sendto", 0, True),
    ],
)
def test_a_socket_is_not_looked_at_for_what_went_through_a_connection(
    text: str, name: str, address: int, looked_up: bool
) -> None:
    """Messages without an address went through a connection: their socket is not read if no such message is wanted."""
    one = rule(name, text)
    assert one is not None
    call = Call(one.spec, (3, 0, 0, 0, address, 0), 5, sock=SOCKS[2])

    assert looked_up is ("part_sock" in decided(one.function.code, call).called)
