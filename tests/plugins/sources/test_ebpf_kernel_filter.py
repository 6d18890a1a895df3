"""Kernel filters discard events that no rule can match, and no others: a source with them beside one without."""

import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.api import Counts
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, Loaded, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import int80, io_uring, opens, processes, sockets
from tests.support.acts.raw import calls
from tests.support.filter_comparison import OPENS, FilterComparison, alerts, wants
from tests.support.live import PATIENCE, Act, Live, context, demand

pytestmark = pytest.mark.ebpf

LONG: Final = "a_rather_long_part/of_a_path" * 4


def paths(events: Sequence[SyscallEvent]) -> list[str]:
    """Return the paths that opens were given."""
    return [event.args[2] for event in events]


# --- discarded, and not


@pytest.mark.parametrize(
    ("condition", "unwanted", "wanted"),
    [
        ("fd.name = {0}/etc/shadow", "etc/shadow- etc/shado etc/shadow/x x/shadow", "etc/shadow x/../etc/shadow"),
        ("fd.name startswith {0}/etc/", "etcx/y x/etc/y et", "etc/x etc/pam.d/su .//etc/shadow"),
        ("fd.name endswith .ssh/id_rsa", "x.ssh/id_rs .ssh/id_rsa.pub id_rsa", "home/u/.ssh/id_rsa .ssh/id_rsa"),
        ("fd.name contains /.ssh/", "x.ssh/a .ssh ssh/.sshx/a", "home/.ssh/a .ssh/x/y"),
        ("fd.name contains /.", "x.y/z x. y/x.", ".x home/.y/z x/..y"),
        ("fd.name contains a_long_needle", "a_long_nee", "x/a_long_needle/y a_long_needle"),
        ("fd.directory = {0}/etc/pam.d", "etc/pam.d/x/y etc/pam.dx/y etc/x", "etc/pam.d/su etc/pam.d/nothing"),
        ("fd.filename = shadow", "etc/shadow- xshadow shadow/x shadow x/shadow", "etc/shadow x/y/shadow"),
        ("fd.filename startswith sys", "x.sys var/log/sys syslog x/syslog/y", "var/log/syslog"),
        ("fd.name endswith /end", f"{LONG}/bend", f"end {LONG}/end {LONG}/{LONG}/end"),
        ("fd.name glob {0}/home/*/.ssh/*", "home/u/ssh x/home/u/.ssh/y", "home/u/.ssh/id_rsa"),
        ("fd.name pmatch ({0}/etc)", "x/etc et", "etc etc/pam.d/su"),
        ("fd.name regex {0}/x/[^/]+", "x/y/shadow etc/x", "x/up x/nothing"),
        ("fd.nameraw contains ../", "etc/x", "x/../etc/y"),
        ("fd.nameraw startswith {0}/etc/", "x/etc/y et", "etc/x .//etc/shadow"),
        ("fd.nameraw glob {0}/e*/[a-z]*", "x/etc/y", "etc/x etc/pam.d/su"),
        ("not fd.name startswith {0}", "etc/x x", "/proc/self/nothing"),
        ("fd.name != {0}/x", "x", "y x/z"),
        ("fd.name startswith {0}/ and not fd.filename in (a.b, shadow)", "x/a.b etc/shadow", "x/..b a.b x/shadow"),
        ("fd.num >= 0", "nothing x/nothing", "etc/shadow"),
        ("evt.failed = true", "etc/shadow", "nothing"),
        ("evt.res = ENOENT", "etc/shadow etc/shadow/x", "nothing"),
        ("evt.rawres in (-20)", "etc/shadow nothing", "etc/shadow/x"),
    ],
)
def test_a_kernel_filter_tests_what_a_rule_compares(
    comparison: FilterComparison, likely: Path, condition: str, unwanted: str, wanted: str
) -> None:
    rule = f"evt.type = openat and {condition.format(likely)}"
    comparison.want(rule)
    no, yes = ([f"{likely}/{path}" if path[0] != "/" else path for path in text.split()] for text in (unwanted, wanted))
    given = [*no, *unwanted.split(), *yes, *wanted.split()]
    steps = [("openat", os.fsencode(likely), os.fsencode(path), os.O_RDONLY) for path in given]

    filtered, whole = comparison.act(opens.many, steps)

    assert given == paths(whole.of("openat"))[-len(given) :]
    assert [*yes, *wanted.split()] == paths(filtered.of("openat"))
    assert alerts([rule], filtered) == alerts([rule], whole) != []


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
def test_a_kernel_filter_tests_flags(
    comparison: FilterComparison, likely: Path, condition: str, unwanted: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    comparison.want(f"evt.type = openat and fd.name startswith {likely} and {condition}")
    path = os.fsencode(likely / "x" / "a.b")

    filtered, whole = comparison.act(opens.many, [("openat", None, path, flags) for flags in (*unwanted, *wanted)])

    assert len(unwanted) + len(wanted) == sum(event.args[2] == os.fsdecode(path) for event in whole.of("openat"))
    assert list(wanted) == [_native(event.args[3]) for event in filtered.of("openat")]


def _native(flags: int) -> int:
    """Return the native number of open flags, for the few that the test uses."""
    access = {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}[flags & 3]
    return access | (os.O_TRUNC if flags & 0x100 else 0) | (os.O_CREAT if flags & 4 else 0)


def test_what_a_longer_path_has_left_behind_counts_for_nothing(comparison: FilterComparison, likely: Path) -> None:
    comparison.want("evt.type = openat and fd.filename = ab")
    steps = []
    for size in range(1, 10):
        (likely / ("z" * size)).mkdir()
        (likely / ("z" * size) / "ab").write_text("")
        short = b"z" * size + b"/ab"
        longer = (b"y" * size + b"/y" * 12, b"y" * (size + 1) + b"/y" * 12)
        steps += [("openat", os.fsencode(likely), path, 0) for path in (longer[0], short, longer[1], short)]

    filtered, _ = comparison.act(opens.many, steps)

    assert ["z" * size + "/ab" for size in range(1, 10) for _ in range(2)] == paths(filtered.of("openat"))


def test_a_relative_path_is_tested_from_where_it_starts(comparison: FilterComparison, likely: Path) -> None:
    rule = f"{OPENS} and fd.name = {likely}/etc/shadow"
    comparison.want(rule)
    etc, here = os.fsencode(likely / "etc"), os.fsencode(likely)
    steps = [
        ("openat", etc, b"shadow", 0), ("open", here, b"etc/shadow", 0), ("openat2", b"@" + etc, b"shadow", 0),
        ("openat", here, b"link/shadow", 0), ("openat", b"/", os.fsencode(likely)[1:] + b"/etc/shadow", 0),
        ("openat", etc, b"pam.d/su", 0), ("openat", b"@" + here, b"x/y/shadow", 0), ("creat", here, b"etc/sha", 0),
    ]  # fmt: skip

    filtered, whole = comparison.act(opens.many, steps)

    assert 4 == len(alerts([rule], whole))
    assert alerts([rule], filtered) == alerts([rule], whole)
    assert 4 == sum(len(filtered.of(name)) for name in ("open", "openat", "openat2", "creat"))


def _is_accounted(count: Counts) -> bool:
    return count.seen == count.filtered + count.lost + (count.missed or 0) + count.received


def test_what_is_discarded_is_counted(comparison: FilterComparison, likely: Path) -> None:
    """Every event is in one counter; other processes' opens that pass may still be in the ring buffer for a moment."""
    comparison.want(f"evt.type = openat and fd.name = {likely}/etc/shadow")
    before = comparison.filtered.source.counts()["openat"]

    filtered, _ = comparison.act(opens.many, [("openat", None, os.fsencode(likely / "x" / "a.b"), 0)] * 50)

    deadline = time.monotonic() + PATIENCE
    while not _is_accounted(after := comparison.filtered.source.counts()["openat"]):
        assert time.monotonic() < deadline, after
        time.sleep(0.01)
    assert [] == filtered.of("openat")
    assert after.filtered - before.filtered >= 50


@pytest.mark.parametrize("entry_path", ["compat32", "io_uring"])
def test_every_entry_path_tail_calls_the_kernel_filter(
    comparison: FilterComparison, likely: Path, entry_path: str
) -> None:
    comparison.want(f"evt.type = openat and fd.name = {likely}/etc/shadow")

    def one(name: str) -> tuple[Act, Act]:
        if entry_path == "io_uring":
            return comparison.act(io_uring.opened, name, str(likely / "etc"))
        return comparison.act(int80.call, "openat", [-100, name, 0], str(likely / "etc"))

    def seen(name: str) -> tuple[int, ...]:
        return tuple(sum(event.entry_path == entry_path for event in act.of("openat")) for act in one(name))

    assert (0, 1) == seen("pam.d/su")
    assert (1, 1) == seen("shadow")


# --- execs that failed


def test_an_exec_that_failed_is_discarded_where_rules_want_one_that_succeeded(comparison: FilterComparison) -> None:
    rule = "evt.type in (execve, execveat) and evt.failed = false and proc.name = true"
    comparison.want(rule)

    filtered, whole = comparison.act(processes.executed_at_last, "/nonexistent/program", "/bin/true")

    def seen(act: Act) -> list[tuple[str, bool]]:
        return [(event.type, event.args[0] < 0) for event in act.events if event.type in ("execve", "execveat")]

    assert [("execve", False)] == seen(filtered)
    assert [("execve", True), ("execveat", True), ("execve", False)] == seen(whole)
    assert 1 == len(alerts([rule], filtered))
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_an_exec_that_failed_is_an_event_for_a_rule_that_wants_it(comparison: FilterComparison) -> None:
    rule = "evt.type in (execve, execveat) and evt.res = ENOENT"
    comparison.want(rule)

    filtered, whole = comparison.act(processes.executed_at_last, "/nonexistent/program", "/bin/true")

    assert ["execve", "execveat"] == [one[1] for one in alerts([rule], filtered)]
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_an_exec_is_counted_once_whether_it_fails_or_not() -> None:
    """A successful exec has an exit, too, which is no event."""
    requirements.ebpf()
    rule = "evt.type in (execve, execveat) and evt.failed = false and proc.name = true"
    with Live(EbpfSource(8 << 20, context()), wants([rule])) as live:
        live.act(processes.executed_at_last, "/nonexistent/program", "/bin/true")

    for count in (live.source.counts()[name] for name in ("execve", "execveat")):
        assert count.filtered > 0
        assert count.seen == count.filtered + count.lost + (count.missed or 0) + count.received


# --- descriptors, messages, numbers


def test_only_copies_of_connections_are_wanted(comparison: FilterComparison) -> None:
    rule = "evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)"
    comparison.want(rule)
    pairs = (("socket", socket.AF_INET, 1, 0), ("socket", socket.AF_UNIX, 1, 0), ("openat", -100, "/dev/null", 0, 0))
    steps = [
        step for made in pairs for step in (made, ("dup2", ("of", 0), 1), ("dup", ("of", 0)), ("close", ("of", 0)))
    ]
    numbered = [
        tuple(("of", at - at % 4) if isinstance(part, tuple) else part for part in step)
        for at, step in enumerate(steps)
    ]

    filtered, whole = comparison.act(calls, *numbered)

    assert (1, 6) == (len(filtered.of("dup2") + filtered.of("dup")), len(whole.of("dup2") + whole.of("dup")))
    assert 1 == len(alerts([rule], filtered))
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_sends_over_connections_are_discarded_for_rules_on_unconnected_sockets(comparison: FilterComparison) -> None:
    rule = "evt.type in (sendto, sendmsg) and fd.connected = false"
    comparison.want(rule)

    filtered, whole = comparison.act(sockets.connect_and_send)

    assert 0 < len(filtered.of("sendto")) < len(whole.of("sendto"))
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_what_goes_out_without_an_address_goes_through_a_connection(comparison: FilterComparison) -> None:
    rule = "evt.type in (sendto, sendmsg) and fd.type in (ipv4, ipv6) and fd.connected = false"
    comparison.want(rule)

    filtered, whole = comparison.act(sockets.send_without_address)

    assert [1, 1, -32, -89, 1] == filtered.value
    assert [-89] == [event.args[0] for event in filtered.of("sendto")]
    assert [1, 1, -32, -89, 1] == [event.args[0] for event in whole.of("sendto")]
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_numbers_of_calls_are_tested(comparison: FilterComparison) -> None:
    rules = ("evt.type = socket and evt.arg.domain contains AF_PACKET", "evt.type = ptrace and evt.rawarg.pid = 77777")
    comparison.want(*rules)
    steps = [
        ("socket", socket.AF_INET, 2, 0),
        ("socket", 17, 3, 0),
        ("ptrace", 16, 1, 0, 0),
        ("ptrace", 16, 77777, 0, 0),
    ]

    filtered, whole = comparison.act(calls, *steps)

    assert ([1, 1], [2, 2]) == tuple([len(act.of(name)) for name in ("socket", "ptrace")] for act in (filtered, whole))
    assert 2 == len(alerts(rules, filtered))
    assert alerts(rules, filtered) == alerts(rules, whole)


# --- other rules


def test_no_call_is_missed_while_filters_change(comparison: FilterComparison, likely: Path) -> None:
    """Exchange filters again and again beside a flood of opens that all of them let pass."""
    rule = f"evt.type = openat and fd.name = {likely}/x/a.b"
    comparison.want(rule)
    over = threading.Event()
    exchanged = 0

    def exchange() -> None:
        nonlocal exchanged
        while not over.is_set():
            other = f"evt.type = openat and fd.name startswith {likely}/{exchanged}/"
            comparison.filtered.update(wants([rule, other]))
            exchanged += 1

    changing = threading.Thread(target=exchange)
    changing.start()
    seen: list[int] = []
    try:
        while exchanged < 2 or not seen:
            filtered, _ = comparison.act(opens.many, [("openat", None, os.fsencode(likely / "x" / "a.b"), 0)] * 5000)
            seen.append(paths(filtered.of("openat")).count(str(likely / "x" / "a.b")))
    finally:
        over.set()
        changing.join()

    assert {5000} == set(seen)


# --- programs that the kernel refuses


def test_calls_whose_filter_the_kernel_refuses_run_unfiltered_and_that_is_said_and_counted(
    likely: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    requirements.ebpf()
    caplog.set_level(logging.INFO)
    load = ProgramCode.load_filter

    def picky(self: ProgramCode, code: RelocatableCode, kinds: Collection[int], **others: Any) -> Loaded:
        if any(one.name == "part_name" for one in code.relocations):
            raise FilterRefused("for this test")
        return load(self, code, kinds, **others)

    monkeypatch.setattr(ProgramCode, "load_filter", picky)
    given = context()
    with Live(EbpfSource(8 << 20, given), demand()) as live:
        live.update(
            wants([f"evt.type = openat and fd.name = {likely}/x", "evt.type = ptrace and evt.rawarg.pid = 77777"])
        )
        act = live.act(calls, ("openat", -100, "/dev/null", 0, 0), ("ptrace", 16, 1, 0, 0))

    assert (1, 0) == (paths(act.of("openat")).count("/dev/null"), len(act.of("ptrace")))
    assert "source ebpf: no kernel filter for openat: for this test" in caplog.text
    assert "kernel filter: 2 event types filtered, 1 unfiltered" in caplog.text
    counted = {labels["state"]: value for name, labels, value in given.metrics.collect() if "state" in labels}
    assert {"filtered": 2, "unfiltered": 1} == counted


# --- events that the state needs


def test_rules_about_all_descriptors_get_all_opens(comparison: FilterComparison, likely: Path) -> None:
    rule = f"evt.type = openat and fd.name = {likely}/etc/shadow and fd.types intersects (file)"
    comparison.want(rule)

    filtered, whole = comparison.act(opens.many, [("openat", None, os.fsencode(likely / "x" / "a.b"), 0)] * 3)

    assert len(whole.of("openat")) == len(filtered.of("openat")) >= 3


def test_demand_without_predicates_has_no_kernel_filters(comparison: FilterComparison, likely: Path) -> None:
    comparison.want(f"evt.type = openat and fd.name = {likely}/etc/shadow", more=demand("openat"))

    filtered, whole = comparison.act(opens.many, [("openat", None, os.fsencode(likely / "x" / "a.b"), 0)] * 3)

    assert len(whole.of("openat")) == len(filtered.of("openat")) >= 3
