"""Gates in the kernel turn away what no rule can match, and nothing else: a source with them beside one without."""

import copy
import logging
import os
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import pytest

from mozu.core.conditions import RuleInput, compile_rules, parse
from mozu.core.demand import Demand, Need
from mozu.core.event import SyscallEvent
from mozu.core.fields import FieldRegistry
from mozu.core.fields.builtin import builtin_fields
from mozu.core.hookspecs import Context, Source
from mozu.core.metrics import Metrics
from mozu.core.pipeline.acquaintance import acquaintance
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import narrow, opens, rings, sockets
from tests.support.acts.raw import calls
from tests.support.live import Act, Live, context, demand

pytestmark = pytest.mark.ebpf

FULL: Final = os.environ.get("MOZU_FUZZ") == "full"
ROUNDS: Final = 60 if FULL else 10
OPENS: Final = "evt.type in (open, openat, openat2, creat)"
LONG: Final = "a_rather_long_part/of_a_path" * 4
FIELDS: Final = FieldRegistry(builtin_fields())


class Beside(NamedTuple):
    """Two sources that see the same."""

    gated: Live
    whole: Live

    def want(self, *conditions: str, more: Demand | None = None) -> None:
        """What the rules want, and `more`."""
        wanted = wants(conditions) | (more or Demand())
        self.gated.update(wanted)
        self.whole.update(wanted)

    def act(self, function: Callable[..., Any], *arguments: Any) -> tuple[Act, Act]:
        """One child's act, as each of them saw it."""
        self.whole.forget()
        act = self.gated.act(function, *arguments)
        mine = self.whole.wait(lambda seen: any(e.type == "procexit" and e.pid == act.pid for e in reversed(seen)))
        family = {act.pid} | {event.facts.pid for event in mine if event.type == "_fork" and event.pid == act.pid}
        return act, Act(act.pid, act.value, [event for event in mine if event.pid in family])


def context_with(fields: FieldRegistry) -> Context:
    return Context("live", logging.getLogger("live"), Metrics(), fields)


def program_of(conditions: Sequence[str]) -> Any:
    rules = [RuleInput(str(number), "syscall", parse(text)) for number, text in enumerate(conditions)]
    return compile_rules(rules, FIELDS, "all")


def wants(conditions: Sequence[str]) -> Demand:
    """As the evaluator of rule files states it."""
    program = program_of(conditions)
    needs, predicates = program.needs["syscall"], program.predicates["syscall"]
    return Demand({"syscall": {name: Need(facets, predicates[name]) for name, facets in needs.items()}})


def alerts(conditions: Sequence[str], act: Act) -> list[tuple[Any, ...]]:
    """Which rules match which of its events, as far as it is not a number of an event."""
    shown = StateMachine().apply(act.events)
    return [
        (position, event.type, event.args, None if event.file is None else event.file.name)
        for event, position in program_of(conditions).evaluate(shown)
    ]


@pytest.fixture(scope="module")
def beside() -> Iterator[Beside]:
    requirements.ebpf()
    with (
        Live(EbpfSource(64 << 20, context()), demand()) as gated,
        Live(EbpfSource(64 << 20, context(), kernel_filter=False), demand()) as whole,
    ):
        yield Beside(gated, whole)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Directories, files and links whose names rules are likely to ask for."""
    for name in ("etc/pam.d", "etc/ssh", "home/u/.ssh", "var/log", "x/y"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("etc/shadow", "etc/pam.d/su", "home/u/.ssh/id_rsa", "var/log/syslog", "x/y/shadow", "x/a.b", "x/..b"):
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "etc")
    (tmp_path / "x" / "up").symlink_to(tmp_path / "etc" / "shadow")
    return tmp_path


def paths(events: Sequence[SyscallEvent]) -> list[str]:
    """What opens were given."""
    return [event.args[2] for event in events]


# --- turned away, and not


@pytest.mark.parametrize(
    ("condition", "unwanted", "wanted"),
    [
        ("fd.name = {0}/etc/shadow", "etc/shadow- etc/shado etc/shadow/x x/shadow", "etc/shadow x/../etc/shadow"),
        ("fd.name startswith {0}/etc/", "etcx/y x/etc/y et", "etc/x etc/pam.d/su .//etc/shadow"),
        ("fd.name endswith .ssh/id_rsa", "x.ssh/id_rs .ssh/id_rsa.pub id_rsa", "home/u/.ssh/id_rsa .ssh/id_rsa"),
        ("fd.name contains /.ssh/", "x.ssh/a .ssh ssh/.sshx/a", "home/.ssh/a .ssh/x/y"),
        ("fd.name contains a_long_needle", "a_long_nee", "x/a_long_needle/y a_long_needle"),
        ("fd.directory = {0}/etc/pam.d", "etc/pam.d/x/y etc/pam.dx/y etc/x", "etc/pam.d/su etc/pam.d/nothing"),
        ("fd.filename = shadow", "etc/shadow- xshadow etc/x shadow/x", "etc/shadow shadow x/y/shadow"),
        ("fd.filename startswith .ba", "x.ba .b x/.ba/y", ".bashrc x/.ba"),
        ("fd.name endswith /end", f"{LONG}/bend", f"end {LONG}/end {LONG}/{LONG}/end"),
        ("fd.name glob {0}/home/*/.ssh/*", "home/u/ssh x/home/u/.ssh/y", "home/u/.ssh/id_rsa"),
        ("fd.name pmatch ({0}/etc)", "x/etc et", "etc etc/pam.d/su"),
        ("fd.nameraw contains ../", "etc/x", "x/../etc/y"),
        ("not fd.name startswith {0}", "etc/x x", "/proc/self/nothing"),
        ("fd.name != {0}/x", "x", "y x/z"),
        ("fd.name startswith {0}/ and not fd.filename in (a, b)", "a x/b", "x/c a/x"),
        ("fd.num >= 0", "nothing x/nothing", "etc/shadow"),
        ("evt.failed = true", "etc/shadow", "nothing"),
        ("evt.res = ENOENT", "etc/shadow etc/shadow/x", "nothing"),
        ("evt.rawres in (-20)", "etc/shadow nothing", "etc/shadow/x"),
    ],
)
def test_a_gate_tests_what_a_rule_asks(beside: Beside, tree: Path, condition: str, unwanted: str, wanted: str) -> None:
    rule = f"evt.type = openat and {condition.format(tree)}"
    beside.want(rule)
    no, yes = ([f"{tree}/{path}" if path[0] != "/" else path for path in text.split()] for text in (unwanted, wanted))
    given = [*no, *unwanted.split(), *yes, *wanted.split()]
    steps = [("openat", os.fsencode(tree), os.fsencode(path), os.O_RDONLY) for path in given]

    gated, whole = beside.act(opens.many, steps)

    assert given == paths(whole.of("openat"))[-len(given) :]
    assert [*yes, *wanted.split()] == paths(gated.of("openat"))
    assert alerts([rule], gated) == alerts([rule], whole) != []


@pytest.mark.parametrize(
    ("condition", "unwanted", "wanted"),
    [
        ("evt.is_open_read = true", (os.O_WRONLY,), (os.O_RDONLY, os.O_RDWR)),
        ("evt.is_open_write = true", (os.O_RDONLY,), (os.O_WRONLY, os.O_RDWR)),
        ("evt.is_open_exec = true", (os.O_RDONLY, os.O_WRONLY | os.O_CREAT), ()),
        ("evt.arg.flags contains O_TRUNC", (os.O_WRONLY, os.O_RDWR | os.O_CREAT), (os.O_WRONLY | os.O_TRUNC,)),
        ("evt.arg.flags contains anyof (O_EXCL, O_CREAT)", (os.O_RDWR,), (os.O_RDWR | os.O_CREAT,)),
        ("fd.typechar = d", (os.O_RDONLY,), ()),
    ],
)
def test_a_gate_tests_flags(
    beside: Beside, tree: Path, condition: str, unwanted: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    beside.want(f"evt.type = openat and fd.name startswith {tree} and {condition}")
    path = os.fsencode(tree / "x" / "a.b")

    gated, whole = beside.act(opens.many, [("openat", None, path, flags) for flags in (*unwanted, *wanted)])

    assert len(unwanted) + len(wanted) == sum(event.args[2] == os.fsdecode(path) for event in whole.of("openat"))
    assert list(wanted) == [_native(event.args[3]) for event in gated.of("openat")]


def _native(flags: int) -> int:
    """Of the few that the test uses."""
    access = {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}[flags & 3]
    return access | (os.O_TRUNC if flags & 0x100 else 0) | (os.O_CREAT if flags & 4 else 0)


def test_what_a_longer_path_has_left_behind_counts_for_nothing(beside: Beside, tree: Path) -> None:
    beside.want("evt.type = openat and fd.filename = ab")
    steps = []
    for size in range(9):
        short = b"z" * size + b"/ab"
        longer = (b"y" * size + b"/y" * 12, b"y" * (size + 1) + b"/y" * 12)
        steps += [("openat", os.fsencode(tree), path, 0) for path in (longer[0], short, longer[1], short)]

    gated, _ = beside.act(opens.many, steps)

    assert ["z" * size + "/ab" for size in range(9) for _ in range(2)] == paths(gated.of("openat"))


def test_a_relative_path_is_tested_from_where_it_starts(beside: Beside, tree: Path) -> None:
    rule = f"{OPENS} and fd.name = {tree}/etc/shadow"
    beside.want(rule)
    etc, here = os.fsencode(tree / "etc"), os.fsencode(tree)
    steps = [
        ("openat", etc, b"shadow", 0), ("open", here, b"etc/shadow", 0), ("openat2", b"@" + etc, b"shadow", 0),
        ("openat", here, b"link/shadow", 0), ("openat", b"/", os.fsencode(tree)[1:] + b"/etc/shadow", 0),
        ("openat", etc, b"pam.d/su", 0), ("openat", b"@" + here, b"x/y/shadow", 0), ("creat", here, b"etc/sha", 0),
    ]  # fmt: skip

    gated, whole = beside.act(opens.many, steps)

    assert 4 == len(alerts([rule], whole))
    assert alerts([rule], gated) == alerts([rule], whole)
    assert 4 == sum(len(gated.of(name)) for name in ("open", "openat", "openat2", "creat"))


def test_what_is_turned_away_is_counted(beside: Beside, tree: Path) -> None:
    beside.want(f"evt.type = openat and fd.name = {tree}/etc/shadow")
    before = beside.gated.source.counts()["openat"]

    gated, _ = beside.act(opens.many, [("openat", None, os.fsencode(tree / "x" / "a.b"), 0)] * 50)

    after = beside.gated.source.counts()["openat"]
    assert [] == gated.of("openat")
    assert after.filtered - before.filtered >= 50
    assert after.seen == after.filtered + after.lost + (after.missed or 0) + after.received


@pytest.mark.parametrize("way", ["compat32", "io_uring"])
def test_every_way_in_leads_through_the_gate(beside: Beside, tree: Path, way: str) -> None:
    beside.want(f"evt.type = openat and fd.name = {tree}/etc/shadow")

    def one(name: str) -> tuple[Act, Act]:
        if way == "io_uring":
            return beside.act(rings.opened, name, str(tree / "etc"))
        return beside.act(narrow.call, "openat", [-100, name, 0], str(tree / "etc"))

    gated, whole = one("pam.d/su")
    assert (0, 1) == tuple(sum(event.way == way for event in act.of("openat")) for act in (gated, whole))
    gated, whole = one("shadow")
    assert (1, 1) == tuple(sum(event.way == way for event in act.of("openat")) for act in (gated, whole))


# --- descriptors, messages, numbers


def test_only_copies_of_connections_are_wanted(beside: Beside) -> None:
    rule = "evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)"
    beside.want(rule)
    pairs = (("socket", socket.AF_INET, 1, 0), ("socket", socket.AF_UNIX, 1, 0), ("openat", -100, "/dev/null", 0, 0))
    steps = [
        step for made in pairs for step in (made, ("dup2", ("of", 0), 1), ("dup", ("of", 0)), ("close", ("of", 0)))
    ]
    numbered = [
        tuple(("of", at - at % 4) if isinstance(part, tuple) else part for part in step)
        for at, step in enumerate(steps)
    ]

    gated, whole = beside.act(calls, *numbered)

    assert (1, 6) == (len(gated.of("dup2") + gated.of("dup")), len(whole.of("dup2") + whole.of("dup")))
    assert 1 == len(alerts([rule], gated))
    assert alerts([rule], gated) == alerts([rule], whole)


def test_what_is_sent_over_a_connection_is_not_wanted_by_who_asks_for_unconnected_sockets(beside: Beside) -> None:
    rule = "evt.type in (sendto, sendmsg) and fd.connected = false"
    beside.want(rule)

    gated, whole = beside.act(sockets.connect_and_send)

    assert 0 < len(gated.of("sendto")) < len(whole.of("sendto"))
    assert alerts([rule], gated) == alerts([rule], whole)


def test_numbers_of_calls_are_tested(beside: Beside) -> None:
    rules = ("evt.type = socket and evt.arg.domain contains AF_PACKET", "evt.type = ptrace and evt.rawarg.pid = 77777")
    beside.want(*rules)
    steps = [
        ("socket", socket.AF_INET, 2, 0),
        ("socket", 17, 3, 0),
        ("ptrace", 16, 1, 0, 0),
        ("ptrace", 16, 77777, 0, 0),
    ]

    gated, whole = beside.act(calls, *steps)

    assert ([1, 1], [2, 2]) == tuple([len(act.of(name)) for name in ("socket", "ptrace")] for act in (gated, whole))
    assert 2 == len(alerts(rules, gated))
    assert alerts(rules, gated) == alerts(rules, whole)


# --- what the state needs


def test_names_of_files_stay_what_their_opens_said(beside: Beside, tree: Path) -> None:
    """An open is told, wanted or not, where its file has another name for the kernel and somebody asks for names."""
    rules = (f"{OPENS} and fd.name = /nowhere", "evt.type = fchown and fd.name exists")
    beside.want(*rules)
    files = ("x/a.b", "link/shadow", "x/up", "x", "x/y/shadow")
    steps = [("openat", None, os.fsencode(tree / name), 0) for name in files]

    gated, whole = beside.act(opens.many, steps, "fchown")

    assert [str(tree / name) for name in ("link/shadow", "x/up", "x")] == paths(gated.of("openat"))
    assert 5 == len(alerts(rules, whole))
    assert alerts(rules, gated) == alerts(rules, whole)


def test_who_asks_for_all_descriptors_gets_all_opens(beside: Beside, tree: Path) -> None:
    rule = f"evt.type = openat and fd.name = {tree}/etc/shadow and fd.types intersects (file)"
    beside.want(rule)

    gated, whole = beside.act(opens.many, [("openat", None, os.fsencode(tree / "x" / "a.b"), 0)] * 3)

    assert len(whole.of("openat")) == len(gated.of("openat")) >= 3


def test_demand_without_predicates_has_no_gates(beside: Beside, tree: Path) -> None:
    beside.want(f"evt.type = openat and fd.name = {tree}/etc/shadow", more=demand("openat"))

    gated, whole = beside.act(opens.many, [("openat", None, os.fsencode(tree / "x" / "a.b"), 0)] * 3)

    assert len(whole.of("openat")) == len(gated.of("openat")) >= 3


# --- what is asked about processes


class Judged:
    """A source with the core's answers to what it asks about processes: a state that sees its batches first."""

    def __init__(self, source: EbpfSource) -> None:
        self._source, self._state = source, StateMachine()
        source.acquaint(acquaintance(FIELDS, self._state))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def batches(self) -> AsyncIterator[Sequence[Any]]:
        self._state.seed()
        async for batch in self._source.batches():
            self._state.apply([copy.copy(event) for event in batch])
            yield batch


@pytest.fixture(scope="module")
def judged() -> Iterator[Beside]:
    requirements.ebpf()
    with (
        Live(cast("Source", Judged(EbpfSource(64 << 20, context_with(FIELDS)))), demand()) as gated,
        Live(EbpfSource(64 << 20, context(), kernel_filter=False), demand()) as whole,
    ):
        yield Beside(gated, whole)


def opened(act: Act, path: str) -> dict[str, int]:
    """Program → how many of its opens of this path are there."""
    shown = StateMachine().apply([copy.copy(event) for event in act.events])
    opens_of_it = [one for one in shown if one.type == "openat" and one.args[2] == path]
    return dict(Counter(one.process.name for one in opens_of_it if one.process is not None))


@pytest.mark.parametrize(("asked", "most"), [("proc.name = wanted", 0), ("proc.exe endswith /wanted", 600)])
def test_a_process_that_no_rule_asks_for_is_left_alone_until_its_next_exec(
    judged: Beside, tree: Path, asked: str, most: int
) -> None:
    """And never a call too long: it runs programs by turns, and every open of the wanted one is told.

    What a name tells is known from the start, all else after a while.
    """
    path, names = str(tree / "x" / "a.b"), ["other", "wanted"] * 6
    rule = f"evt.type = openat and {asked}"
    judged.want(rule)

    gated, whole = judged.act(opens.by_turns, str(tree), path, 200, names)

    assert {"other": 1200, "wanted": 1200} == opened(whole, path)
    assert 1200 == opened(gated, path)["wanted"]
    assert opened(gated, path).get("other", 0) <= most
    assert alerts([rule], gated) == alerts([rule], whole)


def test_children_are_strangers(judged: Beside, tree: Path) -> None:
    """What is known of a process is not known of those that it makes."""
    rule = "evt.type = openat and proc.name = cat"
    judged.want(rule)

    gated, whole = judged.act(opens.then_a_child, str(tree / "x" / "a.b"), 100)

    assert len(gated.of("openat")) < len(whole.of("openat"))
    assert alerts([rule], gated) == alerts([rule], whole) != []


def test_a_loss_of_births_makes_strangers_of_everybody(judged: Beside, tree: Path) -> None:
    judged.want("evt.type = openat and proc.exe endswith /wanted")
    judged.gated.source._source._acquaintances.pause(3600)  # type: ignore[attr-defined]

    gated, whole = judged.act(opens.by_turns, str(tree), str(tree / "x" / "a.b"), 100, ["other"])

    judged.gated.source._source._acquaintances.pause(0)  # type: ignore[attr-defined]
    assert opened(gated, str(tree / "x" / "a.b")) == opened(whole, str(tree / "x" / "a.b")) == {"other": 100}


# --- any rules, any paths

_PARTS: Final = (
    *(
        "etc",
        "shadow",
        "passwd",
        "pam.d",
        "x",
        "y",
        "a.b",
        "..b",
        "var",
        "log",
        "syslog",
        "home",
        "u",
        ".ssh",
        "id_rsa",
    ),
    *("link", "up", ".", "..", "...", "a_rather_long_part_of_a_path"),
)


def random_path(chance: random.Random, tree: Path) -> bytes:
    """Plain and odd ones, short and long, below the tree and elsewhere."""
    separator = chance.choice(("/", "/", "/", "//"))
    path = separator.join(chance.choices(_PARTS, k=chance.randint(1, chance.choice((3, 5, 12, 50)))))
    head = chance.choice(("", "", f"{tree}/", f"{tree}/", "/", "./", "../"))
    tail = chance.choice(("", "", "", "", "/", "/.", "é", "\udcff"))
    return os.fsencode(head + path + tail)


def random_test(chance: random.Random, tree: Path) -> str:
    """On one field of an open."""
    part = chance.choice(_PARTS)
    path = chance.choice((f"{tree}/etc/shadow", f"{tree}/{part}", f"{tree}/x/{part}", f"/{part}", f"{tree}/etc"))
    other = chance.choice((f"{tree}/var/log", f"{tree}/x/y", f"{tree}", "/"))
    pieces = chance.choice((part, part[:3], f"/{part}", f"{part}/", f"/{part}/"))
    return chance.choice(
        (
            f'fd.name = "{path}"', f'fd.name in ("{path}", "{other}")', f'fd.name != "{path}"',
            f'fd.name startswith "{path}"', f'fd.name startswith anyof ("{path}", "{other}")',
            f'fd.name endswith "{pieces}"', f'fd.name contains "{pieces}"', f'fd.name glob "{tree}/*/{part}"',
            f'fd.name glob "*{pieces}*"', f'fd.name pmatch ("{path}", "{other}")',
            f'fd.directory = "{path}"', f'fd.directory in ("{path}", "{other}")', f'fd.directory startswith "{other}"',
            f'fd.filename = "{part}"', f'fd.filename in ("{part}", shadow)', f'fd.filename startswith "{part[:2]}"',
            f'fd.filename endswith "{part[-2:]}"', f'fd.filename contains "{part[:2]}"',
            f'fd.nameraw contains "{pieces}"', "fd.num >= 0", "fd.num = -1", "fd.num < 5", "evt.failed = true",
            "evt.res = SUCCESS", "evt.res != ENOENT", "evt.res startswith E", "evt.rawres >= 0",
            "evt.rawres in (-2, -20)", "evt.is_open_read = true",
            "evt.is_open_write = true", "evt.is_open_exec = true", "evt.arg.flags contains O_CREAT",
            "evt.arg.flags contains anyof (O_DIRECTORY, O_CLOEXEC)", "fd.typechar = f", "fd.type = directory",
            "fd.type in (file, directory)", "evt.type = open", "evt.arg.name startswith /", "proc.name exists",
        )
    )  # fmt: skip


def random_condition(chance: random.Random, tree: Path, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.3:
        test = random_test(chance, tree)
        return test if chance.random() < 0.7 else f"not {test}"
    joint = chance.choice((" and ", " and ", " or "))
    whole = joint.join(f"({random_condition(chance, tree, depth + 1)})" for _ in range(chance.randint(2, 3)))
    return whole if chance.random() < 0.85 else f"not ({whole})"


def random_steps(chance: random.Random, tree: Path, count: int) -> list[tuple[str, bytes | None, bytes, int]]:
    places = [os.fsencode(tree / name) for name in ("", "etc", "x/y", "home/u", "var/log")]
    steps = []
    for _ in range(count):
        place = chance.choice((None, chance.choice(places), b"@" + chance.choice(places)))
        name = chance.choice(("open", "openat", "openat", "openat2", "creat"))
        flags = chance.choice((0, 0, os.O_RDWR, os.O_WRONLY, os.O_DIRECTORY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        path = random_path(chance, tree)
        is_made = flags & os.O_CREAT or name == "creat"
        if is_made and not path.startswith(os.fsencode(tree)):
            name, flags = "openat", 0  # nothing is made elsewhere
        steps.append((name, place, path, flags | chance.choice((0, os.O_CLOEXEC))))
    return steps


@pytest.mark.parametrize("names", [False, True], ids=["opens", "names"])
def test_no_alert_is_lost_fuzz(beside: Beside, tree: Path, names: bool) -> None:
    """Random rules and random opens; with `names`, what the descriptors are called afterwards counts too."""
    turned_away = raised = 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        rules = [f"{OPENS} and ({random_condition(chance, tree)})" for _ in range(chance.randint(1, 3))]
        if names:
            rules.append("evt.type = fchown and fd.name exists")
        beside.want(*rules)
        steps = random_steps(chance, tree, 300)

        gated, whole = beside.act(opens.many, steps, "fchown" if names else "")

        turned_away += len(whole.events) - len(gated.events)
        found = alerts(rules, whole)
        raised += len(found)
        assert found == alerts(rules, gated), (seed, rules)
    assert turned_away > 10 * ROUNDS
    assert raised > 10 * ROUNDS
