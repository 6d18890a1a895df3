"""No event contradicts a decision: 10,000 random conditions and pairs of conditions over random events."""

import itertools
import random
from typing import NamedTuple

import pytest

from mozu.core.filter.formula import Formula
from mozu.core.language.conditions import Node, parse
from mozu.core.language.conditions.decide import can_hold, implies
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.rules import plugin_fields
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.language.conditions.interpreter import Interpreter
from tests.core.language.conditions.test_property import GLOBS, NETWORKS, NUMBERS, REGEXES, WORDS, random_event, word
from tests.core.language.conditions.world import registry

FIELDS = registry()
TRUTH = Interpreter(FIELDS)
ANY_TYPE = Resolver(FIELDS, "syscall")
REAL = FieldRegistry((*builtin_fields(), *plugin_fields()))
CONDITIONS = 10_000
EVENTS = 25
TEXTS = ("proc.name", "fd.name", "proc.aname", "tolower(proc.name)", "basename(fd.name)", "evt.arg.flags")
INTEGERS = ("proc.pid", "user.uid", "fd.port", "fd.sport", "evt.reltime", "proc.usage", "len(fd.types)", "fd.dev")
OTHERS = ("evt.type", "fd.sip", "fd.ip", "fd.snet", "fd.net", "evt.is_open_read", "fd.types", "fd.sip.name")


def comparison(chance: random.Random, field: str) -> str:
    several = ", ".join(map(word, chance.sample(WORDS, chance.randint(1, 3))))
    if chance.random() < 0.08:
        return f"{field} exists"
    if field in INTEGERS:
        op = chance.choice(["=", "!=", "<", "<=", ">", ">=", "in"])
        numbers = [number for number in NUMBERS if field != "fd.sport" or number != "-1"]
        return (
            f"{field} in ({', '.join(chance.sample(numbers, 2))})"
            if op == "in"
            else f"{field} {op} {chance.choice(numbers)}"
        )
    match field:
        case "evt.type":
            return f"evt.type {chance.choice(['=', '!='])} {chance.choice(['open', 'execve', 'connect'])}"
        case "fd.sip" | "fd.ip":
            return f"{field} {chance.choice(['=', '!='])} {chance.choice(['127.0.0.1', '10.0.0.7', '::1', '0.0.0.0'])}"
        case "fd.snet" | "fd.net":
            return f"{field} {chance.choice(['=', '!='])} {word(chance.choice(NETWORKS))}"
        case "evt.is_open_read":
            return f"evt.is_open_read = {chance.choice(['true', 'false'])}"
        case "fd.types":
            return f"fd.types {chance.choice(['in', 'intersects'])} ({several})"
        case "fd.sip.name":
            return f"fd.sip.name {chance.choice(['=', '!='])} {word(chance.choice(WORDS))}"
    op = chance.choice(["=", "!=", "in", "startswith", "endswith", "contains", "icontains", "glob", "regex", "pmatch"])
    if op in ("in", "pmatch"):
        return f"{field} {op} ({several})"
    return f"{field} {op} {word(chance.choice({'glob': GLOBS, 'regex': REGEXES}.get(op, WORDS)))}"


def condition(chance: random.Random) -> str:
    fields = chance.sample([*TEXTS, *TEXTS, *INTEGERS, *OTHERS], chance.randint(1, 2))
    parts = [comparison(chance, chance.choice(fields)) for _ in range(chance.randint(2, 6))]
    while len(parts) > 1:
        one, other = parts.pop(), parts.pop(0)
        joined = f"({one} {chance.choice(['and', 'and', 'and', 'or'])} {other})"
        parts.append(f"not {joined}" if chance.random() < 0.2 else joined)
    return parts[0]


class Written(NamedTuple):
    """A condition with its tree and its formula."""

    text: str
    tree: Node
    formula: Formula


def written(text: str) -> Written:
    tree = parse(text)
    return Written(text, tree, lower(tree))


@pytest.fixture(scope="module")
def conditions() -> list[Written]:
    chance = random.Random(44)
    return [written(condition(chance)) for _ in range(CONDITIONS)]


@pytest.fixture(scope="module")
def events() -> list[DataEvent]:
    chance = random.Random(45)
    return [random_event(chance) for _ in range(EVENTS)]


def test_no_event_satisfies_a_condition_that_never_holds(conditions: list[Written], events: list[DataEvent]) -> None:
    never = [one for one in conditions if not can_hold(one.formula, ANY_TYPE)]

    wrong = [one.text for one in never for event in events if TRUTH.holds(one.tree, event)]

    assert (True, []) == (len(never) > CONDITIONS // 10, wrong)


@pytest.mark.parametrize("kind", ["open", "execve"])
def test_no_event_of_a_type_satisfies_a_condition_that_never_holds_for_the_type(
    conditions: list[Written], events: list[DataEvent], kind: str
) -> None:
    resolver = Resolver(FIELDS, "syscall", kind)
    never = [one for one in conditions[:3000] if not can_hold(one.formula, resolver)]

    wrong = [one.text for one in never for event in events if event.type == kind and TRUTH.holds(one.tree, event)]

    assert (True, []) == (len(never) > 300, wrong)


def test_every_event_of_a_condition_satisfies_what_it_implies(
    conditions: list[Written], events: list[DataEvent]
) -> None:
    pairs = list(itertools.pairwise(conditions[:4000]))
    pairs += [(one, written(f"({one.text}) or ({other.text})")) for one, other in pairs[:500]]
    implied = [(one, other) for one, other in pairs if implies(one.formula, other.formula, ANY_TYPE)]

    wrong = [
        (one.text, other.text)
        for one, other in implied
        for event in events
        if TRUTH.holds(one.tree, event) and not TRUTH.holds(other.tree, event)
    ]

    assert (True, []) == (len(implied) > 500, wrong)


NEVER = [
    "fd.name startswith /etc and fd.name startswith /root",
    "fd.name startswith /etc/ and not fd.name pmatch (/etc)",
    "fd.name pmatch (/etc) and fd.name pmatch (/root, /var)",
    "fd.name glob /etc/* and fd.name startswith /var",
    "fd.name endswith .conf and not fd.name glob *.conf",
    "fd.name = /etc/shadow and not fd.name regex '/etc/.*'",
    "proc.cmdline icontains CURL and not proc.cmdline icontains url",
    "proc.name contains abcdefghijklmnop",
    "proc.aname = sshd and not proc.aname startswith ss",
    "tolower(proc.name) startswith Bash",
    "fd.sport > 65535",
    "user.uid < 1 and user.uid != 0",
    "fd.sport > 10 and fd.sport < 12 and fd.sport != 11",
    "fd.snet = 10.0.0.0/8 and not fd.snet in (10.0.0.0/7, 1.1.1.1/32)",
    "fd.snet = 10.1.0.0/16 and fd.snet = 11.0.0.0/8",
    "fd.port = 80 and not fd.port < 100",
    "fd.typechar = f and fd.type exists and fd.typechar in (4, 6)",
    "fd.type contains xyz",
    "evt.failed = true and evt.res = SUCCESS",
    "evt.res = EACCES and evt.rawres >= 0",
    "evt.failed = false and evt.failed = true",
    "(proc.name = a or proc.name = b) and (proc.name = c or proc.name = d)",
    "proc.name in (a, b) and not (proc.name = a or proc.name = b)",
    "not proc.pname exists and proc.pname != bash",
]


@pytest.mark.parametrize("text", NEVER)
def test_a_contradiction_is_found(text: str) -> None:
    assert not can_hold(lower(parse(text)), Resolver(REAL, "syscall"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("evt.is_open_write = true", "execve"),
        ("fd.typechar = 4", "openat"),
        ("evt.category = net", "openat"),
        ("not evt.is_io = false", "execve"),
    ],
)
def test_a_contradiction_to_the_type_of_the_event_is_found(text: str, kind: str) -> None:
    found = lower(parse(text))

    assert (True, False) == (
        can_hold(found, Resolver(REAL, "syscall")),
        can_hold(found, Resolver(REAL, "syscall", kind)),
    )


@pytest.mark.parametrize(
    "text",
    [
        "not proc.name = a and not proc.name != a",
        "not fd.sport < 10 and not fd.sport >= 10",
        "proc.aname = a and proc.aname = b",
        "fd.port = 80 and fd.port = 443",
        "fd.name startswith /etc and fd.name startswith /etc/ssl",
        "fd.name pmatch (/etc) and fd.name startswith etc",
        "proc.fdusage > 0 and proc.fdusage < 1",
        "fd.sip = 1.1.1.1 and fd.snet = 2.0.0.0/8",
        "proc.name contains abc and proc.name contains bcd",
    ],
)
def test_what_an_event_may_satisfy_is_not_denied(text: str) -> None:
    assert can_hold(lower(parse(text)), Resolver(REAL, "syscall"))


def test_the_effort_is_bounded() -> None:
    signs = itertools.product(("", "not "), repeat=4)
    every = [
        " or ".join(f"{sign}proc.env[{name}] = x" for sign, name in zip(one, "ABCD", strict=True)) for one in signs
    ]
    impossible = lower(parse(" and ".join(f"({one})" for one in every)))
    resolver = Resolver(REAL, "syscall")

    assert (False, True) == (can_hold(impossible, resolver), can_hold(impossible, resolver, effort=3))
