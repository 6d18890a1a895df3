"""Generated code and a plain interpreter agree on any condition and any event, missing values and negation included."""

import os
import random
from collections.abc import Callable
from typing import Any, TypeVar

import hypothesis
from hypothesis import strategies as st

from mozu.core.filter.formula import Constant
from mozu.core.language.conditions import (
    ConditionError,
    Macro,
    Node,
    RuleInput,
    check,
    compile_rules,
    compile_template,
    parse,
    simplify,
    text_of,
    unparse,
)
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.tokens import quote
from mozu.core.model.event import DataEvent
from tests.core.language.conditions.interpreter import Interpreter
from tests.core.language.conditions.world import event, registry

FULL = os.environ.get("MOZU_FUZZ") == "full"
PAIRS = 1_000_000 if FULL else 30_000
EVENTS = 50
RULES = 4
EXAMPLES = PAIRS // (EVENTS * RULES)


def thorough(examples: int) -> hypothesis.settings:
    """Return settings for this number of examples, the same each time unless a full run is asked for."""
    return hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not FULL,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


FIELDS = registry()
TRUTH = Interpreter(FIELDS)

T = TypeVar("T")

WORDS = [
    "cat",
    "bash",
    "sh",
    "",
    "a",
    "CAT",
    "/etc/passwd",
    "/etc",
    "/var/log/x",
    "etc/",
    "é",
    "a\udce9b",
    "//a//b/",
    "-c",
]
GLOBS = ["*", "?at", "/etc/*", "[a-c]at", "[!x]*", "*a*b*", "c\\at", "/*/x", "/v?r/l*", "é", "?", "[", "/var/[l-m]og"]
REGEXES = ["c.t", "^/etc/.*$", "(a|b)+", "[[:alpha:]]*", "", ".*", "a{1,2}", "\\xc3."]
NUMBERS = ["0", "1", "-1", "3", "80", "22", "4294967295", "65616", "1000"]
ADDRESSES = ["127.0.0.1", "10.0.0.7", "::1", "0.0.0.0"]
NETWORKS = ["10.0.0.0/8", "127.0.0.1/32", "::/0", "0.0.0.0/0"]

TEXT_OPERATORS = ["=", "==", "!=", "contains", "icontains", "startswith", "endswith"]
TEXTS = ["proc.name", "proc.pname", "fd.name", "proc.exepath", "proc.aname[1]", "proc.env[HOME]", "evt.arg.flags"]
CALLS = [
    "tolower(proc.name)",
    "toupper(proc.pname)",
    "basename(fd.name)",
    "b64(proc.cmdline)",
    'concat(proc.name, "/", fd.name)',
    'join("-", (proc.name, "x", fd.name))',
    'join(",", fd.types)',
    'getopt((proc.name, fd.name, "-a"), "ab:c:")[b]',
    "toupper(basename(tolower(fd.name)))",
    'concat("a", "b")',
]


def word(value: str) -> str:
    return quote(value)


def listed(values: list[str]) -> str:
    return f"({', '.join(map(word, values))})"


def some(values: list[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=4)


def text_test() -> st.SearchStrategy[str]:
    left = st.sampled_from([*TEXTS, *CALLS, "proc.aname"])
    plain = st.builds(
        lambda f, op, v: f"{f} {op} {word(v)}", left, st.sampled_from(TEXT_OPERATORS), st.sampled_from(WORDS)
    )
    globs = st.builds(
        lambda f, op, v: f"{f} {op} {word(v)}", left, st.sampled_from(["glob", "iglob"]), st.sampled_from(GLOBS)
    )
    regex = st.builds(lambda f, v: f"{f} regex {word(v)}", left, st.sampled_from(REGEXES))
    sets = st.builds(lambda f, op, v: f"{f} {op} {listed(v)}", left, st.sampled_from(["in", "intersects"]), some(WORDS))
    paths = st.builds(lambda f, v: f"{f} pmatch {listed(v)}", left, some(WORDS + GLOBS))
    modified = st.builds(
        lambda f, op, m, v: f"{f} {op} {m} {listed(v)}",
        left,
        st.sampled_from([*TEXT_OPERATORS, "glob", "iglob"]),
        st.sampled_from(["anyof", "allof", "oneof"]),
        some(WORDS),
    )
    order = st.builds(
        lambda f, op, v: f"{f} {op} {v}", left, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(NUMBERS)
    )
    sides = st.builds(
        lambda f, op, g: f"{f} {op} {g}",
        st.sampled_from([name for name in TEXTS if name != "proc.aname[1]"] + CALLS),
        st.sampled_from([*TEXT_OPERATORS, "glob", "iglob", "<", ">=", "in", "intersects"]),
        st.sampled_from([*(f"val({name})" for name in TEXTS if name != "proc.aname[1]"), *CALLS]),
    )
    return st.one_of(plain, plain, globs, regex, sets, paths, modified, order, sides)


def number_test() -> st.SearchStrategy[str]:
    left = st.sampled_from(
        [
            *("proc.pid", "user.uid", "fd.num", "fd.sport", "fd.port", "evt.reltime", "proc.usage", "fd.dev"),
            *("len(proc.name)", "len(fd.types)", "len(evt.buffer)", "evt.rawarg.mode", "evt.num"),
        ]
    )
    order = ["=", "==", "!=", "<", "<=", ">", ">="]
    plain = st.builds(lambda f, op, v: f"{f} {op} {v}", left, st.sampled_from(order), st.sampled_from(NUMBERS))
    sets = st.builds(
        lambda f, op, v: f"{f} {'in' if f == 'fd.port' else op} ({', '.join(v)})",
        left,
        st.sampled_from(["in", "intersects"]),
        some(NUMBERS),
    )
    modified = st.builds(
        lambda f, op, m, v: f"{f} {op} {m} ({', '.join(v)})",
        left,
        st.sampled_from(["=", "!="]),
        st.sampled_from(["anyof", "allof", "oneof"]),
        some(NUMBERS),
    )
    sides = st.builds(
        lambda op, pair: f"{pair[0]} {op} {pair[1]}",
        st.sampled_from(order),
        st.sampled_from([("proc.pid", "val(proc.ppid)"), ("fd.sport", "val(fd.cport)"), ("evt.num", "len(proc.name)")]),
    )
    return st.one_of(plain, sets, modified, sides)


def other_test() -> st.SearchStrategy[str]:
    addresses = st.builds(
        lambda f, op, v: f"{f} {op} {v}",
        st.sampled_from(["fd.sip", "fd.ip"]),
        st.sampled_from(["=", "!=", "= anyof", "!= allof", "!= anyof", "= oneof", "in"]),
        st.one_of(some(ADDRESSES).map(listed), st.sampled_from(ADDRESSES)),
    ).filter(lambda text: ("(" in text) == any(name in text for name in ("of ", "in ")))
    networks = st.builds(
        lambda f, op, v: f"{f} {op} {listed(v)}",
        st.sampled_from(["fd.snet", "fd.net"]),
        st.sampled_from(["in", "= anyof", "!= allof", "!= anyof", "!= oneof", "= allof", "intersects"]),
        some(NETWORKS),
    )
    lists = st.builds(
        lambda f, op, v: f"{f} {op} {listed(v)}",
        st.sampled_from(["fd.types", "fd.tags", "tolower(fd.types)", 'getopt((proc.name, "-x"), "a:x")']),
        st.sampled_from(["in", "intersects"]),
        some(WORDS),
    )
    raw = st.sampled_from(
        [
            "evt.buffer bcontains 6361",
            "evt.buffer bstartswith ''",
            "evt.buffer contains at",
            "evt.buffer = cat",
            "evt.buffer != anyof (cat, a)",
            "evt.buffer endswith oneof (t, at)",
            "b64(evt.buffer) exists",
            "evt.is_open_read = true",
            "evt.is_open_read != true",
            "evt.is_open_read in (false)",
            "evt.is_open_read = false",
            "evt.type = open",
            "evt.type in (execve, connect)",
            "evt.type != open",
            "evt.type startswith exec",
            "evt.num = 0",
            "fd.ports in (1, 3)",
            "fd.ports intersects (80)",
            "fd.types in val(fd.tags)",
            "fd.types intersects val(fd.tags)",
            "fd.sip = val(fd.cip)",
            "fd.sip != val(fd.cip)",
            "evt.around[5] = 3",
        ]
    )
    hosts = st.builds(
        lambda op, v: f"fd.sip.name {op} {listed(v)}",
        st.sampled_from(["in", "= anyof", "= allof", "= oneof", "!= anyof", "!= allof", "!= oneof"]),
        some(WORDS),
    )
    fields = [*TEXTS, *CALLS, "proc.aname", "fd.ip", "fd.types", "evt.buffer", "fd.port", "fd.sip.name"]
    exists = st.sampled_from(fields).map(lambda field: f"{field} exists")
    return st.one_of(addresses, hosts, networks, lists, raw, raw, exists)


CONDITIONS = st.recursive(
    st.one_of(text_test(), text_test(), number_test(), other_test()),
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda texts: " and ".join(f"({text})" for text in texts)),
        st.lists(inner, min_size=2, max_size=4).map(lambda texts: " or ".join(f"({text})" for text in texts)),
    ),
    max_leaves=9,
)


def random_event(chance: random.Random) -> DataEvent:
    """Return an event with a value for each field, or none in a third of the cases."""

    def maybe(choices: list[Any]) -> Any:
        return chance.choice(choices) if chance.random() < 0.67 else None

    address = [b"\x7f\0\0\1", b"\x0a\0\0\7", b"\0" * 15 + b"\1", b"\0\0\0\0"]
    texts = [*WORDS, "aXbxx", "--", "-b", "-ab", "-c", "Y2F0", "Y2F0YQ=="]
    values = {
        **{name: maybe(texts) for name in ("proc.name", "proc.pname", "fd.name", "proc.exepath", "proc.cmdline")},
        "fd.sip.name": maybe([(None,), ("cat",), ("sh", "cat"), ("é", "", "a")]),
        "proc.aname": maybe([(), ("cat",), ("sh", "bash", "cat"), ("é", "", "a")]),
        "proc.env": {"HOME": maybe(texts)},
        "evt.arg.flags": maybe(["O_RDONLY|O_CLOEXEC", "cat", ""]),
        **{name: maybe([0, 1, -1, 3, 80, 22, 1000]) for name in ("proc.pid", "proc.ppid", "fd.num", "fd.dev")},
        "user.uid": maybe([0, 1, 1000, 4294967295]),
        **{name: maybe([0, 22, 80]) for name in ("fd.sport", "fd.cport", "evt.reltime")},
        "fd.port": maybe([(), (80, 22), (22,), (3, 3)]),
        "proc.usage": maybe([0.0, 1.0, 0.5]),
        "evt.rawarg.mode": maybe([1, 80, "text"]),
        **{name: maybe(address) for name in ("fd.sip", "fd.cip", "fd.snet")},
        **{
            name: maybe([(), (address[0], address[1]), (address[2], address[2]), (address[3],)])
            for name in ("fd.ip", "fd.net")
        },
        **{name: maybe([(), ("cat",), ("cat", "sh"), ("CAT", "a", "")]) for name in ("fd.types", "fd.tags")},
        "fd.ports": maybe([(), (1,), (3, 80)]),
        "evt.buffer": maybe([b"cat", b"", b"\xff\x00a", b"Y2F0"]),
        "evt.is_open_read": maybe([True, False]),
    }
    made = event(chance.choice(["open", "execve", "connect"]))
    made.data = values
    made.time = chance.choice([0, 5, 9])
    made.num = chance.choice([1, 2, 3])
    return made


@thorough(EXAMPLES)
@hypothesis.given(st.lists(CONDITIONS, min_size=RULES, max_size=RULES), st.integers(0, 2**32))
def test_generated_code_agrees_with_the_interpreter_property(conditions: list[str], seed: int) -> None:
    trees = [parse(text) for text in conditions]
    for tree in trees:
        assert () == check(tree, FIELDS, "syscall").errors
    program = compile_rules([RuleInput(str(n), "syscall", tree) for n, tree in enumerate(trees)], FIELDS, "all")
    chance = random.Random(seed)
    events = [random_event(chance) for _ in range(EVENTS)]

    found = [(id(event), position) for event, position in program.evaluate(events)]

    assert [(id(e), n) for e in events for n, tree in enumerate(trees) if TRUTH.holds(tree, e)] == found


@thorough(EXAMPLES // 5)
@hypothesis.given(CONDITIONS, st.integers(0, 2**32), st.sampled_from(["open", "execve", None]))
def test_simplified_conditions_mean_the_same_property(condition: str, seed: int, kind: str | None) -> None:
    tree = parse(condition)
    smaller = simplify(tree, FIELDS, "syscall", kind)
    chance = random.Random(seed)
    events = [one for one in (random_event(chance) for _ in range(20)) if kind in (None, one.type)]

    assert [TRUTH.holds(tree, event) for event in events] == [TRUTH.formula(smaller, event) for event in events]


@hypothesis.settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(CONDITIONS)
def test_canonical_text_reads_back_as_itself_property(condition: str) -> None:
    text = unparse(parse(condition))

    assert text == unparse(parse(text))


@thorough(EXAMPLES // 5)
@hypothesis.given(CONDITIONS)
def test_the_text_of_a_formula_reads_back_as_the_same_object_property(condition: str) -> None:
    formula = lower(parse(condition))

    assert isinstance(formula, Constant) or formula is lower(parse(text_of(formula)))


@thorough(EXAMPLES // 25)
@hypothesis.given(st.lists(CONDITIONS, min_size=6, max_size=12), st.integers(0, 2**32))
def test_many_rules_that_share_tests_agree_with_the_interpreter_property(parts: list[str], seed: int) -> None:
    chance = random.Random(seed)
    texts = [" and ".join(f"({part})" for part in chance.sample(parts, chance.randint(1, 3))) for _ in range(40)]
    texts += [f"{field} {op} {word(value)}" for field in TEXTS[:3] for op in TEXT_OPERATORS for value in WORDS]
    trees = [parse(text) for text in texts]
    program = compile_rules([RuleInput(str(n), "syscall", tree) for n, tree in enumerate(trees)], FIELDS, "all")
    events = [random_event(chance) for _ in range(20)]

    found = [(id(event), position) for event, position in program.evaluate(events)]

    assert [(id(e), n) for e in events for n, tree in enumerate(trees) if TRUTH.holds(tree, e)] == found


GARBAGE = st.lists(
    st.one_of(
        CONDITIONS,
        st.text(max_size=12),
        st.sampled_from(
            ["(", ")", "and", "or", "not", "not(", " ", "'", '"', "\\", "val(", "in", "=", "[", "]", ",", "\0"]
        ),
    ),
    max_size=8,
).map("".join)


@thorough(20_000 if FULL else 300)
@hypothesis.given(GARBAGE, st.integers(0, 200), st.integers(0, 200))
def test_any_text_is_compiled_or_refused_with_a_place_fuzz(text: str, start: int, end: int) -> None:
    cut = text[:start] + text[end:]
    tree = attempt(lambda: parse(cut), cut)
    if tree is None:
        return
    if not any(isinstance(node, Macro) for node in nodes(tree)) and not check(tree, FIELDS, "syscall").errors:
        compile_rules([RuleInput("r", "syscall", tree)], FIELDS).evaluate([event(), event("execve")])


def attempt(make: Callable[[], T], text: str) -> T | None:
    """Return the result of `make`, or None if the text is refused at a place in it."""
    try:
        return make()
    except ConditionError as error:
        if not 0 <= error.offset <= len(text):
            raise
        return None


def nodes(tree: Node) -> list[Node]:
    found: list[Node] = []
    bottom_up(tree, lambda node, _: found.append(node))
    return found


@thorough(10_000 if FULL else 200)
@hypothesis.given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from([f"%{name}" for name in TEXTS + CALLS] + ["%", "%5", "%%", "*", "[", "]", "(", "%val("]),
        ),
        max_size=8,
    ).map("".join)
)
def test_any_output_is_compiled_or_refused_with_a_place_fuzz(text: str) -> None:
    output = attempt(lambda: compile_template(text, FIELDS, "syscall"), text)
    if output is not None:
        output.template.render(output.values(event(proc_name="a")))
