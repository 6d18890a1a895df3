"""Opens that the kernel recognises after they were judged: never one too long."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import UndecodedEvent
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.maps import CALLER_CLASS
from mozu.plugins.sources.ebpf.verdicts import JudgedCalls, is_plain
from mozu.plugins.sources.ebpf.wire import layouts
from tests.support import requirements
from tests.support.acts import judged as acts
from tests.support.filter_comparison import FIELDS
from tests.support.judged_live import JudgedLive
from tests.support.judged_twice import ByRules
from tests.support.split import needs_live

COUNT = 50


@pytest.fixture(scope="module")
@needs_live
def memory() -> Iterator[JudgedLive]:
    requirements.ebpf()
    with JudgedLive() as running:
        yield running


class Change(NamedTuple):
    """Change by an act: `rule` is false of the opens before it and true after it. `reported_by`: the type whose record
    reports it.
    """

    act: Callable[..., Any]
    rule: str
    reported_by: str = ""


CHANGES = (
    Change(acts.replaced, f"fd.ino = {os.stat('/etc/hostname').st_ino}"),
    Change(acts.image, f"proc.name = {acts.EVIL}", "execve"),
    Change(acts.cgroup, "container.id != host", "_cgroup"),
    Change(acts.threads, "proc.nthreads > 1", "_fork"),
    Change(acts.parent, f"proc.pname = {acts.EVIL}", "execve"),
    Change(acts.identity, "group.gid = 1000", "setgid"),
    Change(acts.session, "proc.is_sid_leader = true", "setsid"),
    Change(acts.directory, "proc.cwd = /usr/", "chdir"),
    Change(acts.group, "proc.is_vpgid_leader = true", "setpgid"),
)
REPORTED = [one for one in CHANGES if one.reported_by]


def named(change: Change) -> str:
    return change.act.__name__


def rule(change: Change, folder: Path) -> str:
    """Return a rule on the file that the kernel filter cannot decide by the process."""
    return f"evt.type = openat and fd.name = {folder}/file and {change.rule}"


@pytest.mark.ebpf
@pytest.mark.parametrize("change", CHANGES, ids=named)
def test_what_a_verdict_depends_on_ends_it_in_the_kernel(memory: JudgedLive, tmp_path: Path, change: Change) -> None:
    memory.judge(rule(change, tmp_path))

    memory.act(change.act, tmp_path, COUNT)

    assert COUNT == memory.alerts()


@pytest.mark.ebpf
@pytest.mark.parametrize("change", REPORTED, ids=named)
def test_a_kernel_that_forgets_a_dependency_loses_alerts(memory: JudgedLive, tmp_path: Path, change: Change) -> None:
    number = SYSCALL_SPECS[change.reported_by].number
    kind = bpf_syscall.lookup(memory.maps["TASK_CHANGES"], number, 1)
    memory.judge(rule(change, tmp_path))
    bpf_syscall.update(memory.maps["TASK_CHANGES"], number, b"\0")
    try:
        memory.act(change.act, tmp_path, COUNT)
    finally:
        bpf_syscall.update(memory.maps["TASK_CHANGES"], number, kind)

    assert memory.alerts() < COUNT


@pytest.mark.ebpf
@pytest.mark.parametrize(("test", "alike"), [("proc.name", True), ("proc.pid", False)])
def test_opens_are_discarded_by_what_was_judged_of_another_process(
    memory: JudgedLive, tmp_path: Path, test: str, alike: bool
) -> None:
    """The other process has the same values in the fields that the rules read, if `alike`."""
    memory.judge(f"evt.type = openat and fd.name startswith {tmp_path} and {test} = 1")
    first = memory.act(acts.in_turn, tmp_path, COUNT, 20 * COUNT)
    second = memory.act(acts.each_once, tmp_path, COUNT)

    assert memory.opens_given(first, "/other-") >= COUNT
    assert alike is (memory.opens_given(second, "/other-") == 0)


@pytest.mark.ebpf
def test_other_rules_judge_at_once_what_the_kernel_discards(memory: JudgedLive, tmp_path: Path) -> None:
    """Without a batch in between every call is discarded."""
    memory.judge(f"evt.type = openat and fd.name = {tmp_path}/file and proc.pname = {acts.EVIL}")
    use = memory.judged.pipeline._evaluation.use
    fresh = ByRules((f"evt.type = openat and fd.name = {tmp_path}/file",), FIELDS)

    memory.act(acts.nothing, tmp_path, 0)
    memory.in_loop(lambda: use([Isolated("evaluator", "fresh", fresh, Metrics())]))
    memory.act(acts.nothing, tmp_path, COUNT, 0)

    assert memory.alerts() >= COUNT


@pytest.mark.ebpf
def test_the_numbers_add_up(memory: JudgedLive, tmp_path: Path) -> None:
    memory.judge(f"evt.type = openat and fd.name = {tmp_path}/file and proc.pname = {acts.EVIL}")
    before, recognised = memory.judged.counts()["openat"], memory.recognised
    memory.act(acts.nothing, tmp_path, 1_000)
    after = memory.judged.counts()["openat"]

    assert memory.recognised - recognised > 1_000
    assert after.filtered - before.filtered >= memory.recognised - recognised
    assert after.seen == after.filtered + after.lost + (after.missed or 0) + after.received


@pytest.mark.ebpf
def test_an_open_that_the_kernel_discards_keeps_its_path_for_later_events(memory: JudgedLive, tmp_path: Path) -> None:
    """The event of fchown shows the path that the open was given, as with the kernel filter."""
    (tmp_path / "real").mkdir()
    (tmp_path / "by").symlink_to(tmp_path / "real")
    memory.judge(
        f"evt.type = openat and fd.name = {tmp_path}/by/file and proc.pname = {acts.EVIL}",
        f"evt.type = fchown and fd.name = {tmp_path}/by/file",
    )
    recognised = memory.recognised
    memory.act(acts.used, tmp_path / "by", COUNT)

    assert memory.recognised > recognised
    assert COUNT == memory.alerts()


# --- opens that may be discarded, without a kernel


class Flow:
    """Recorder of the values that would be passed to the kernel."""

    def __init__(self) -> None:
        self.reported: list[tuple[int, bool]] = []

    def recognise(self, generation: int, *, keeps_paths: bool) -> None:
        self.reported.append((generation, keeps_paths))


OPENAT = SYSCALL_SPECS["openat"].number


def opened(path: bytes, real: bytes = b"", base: bytes = b"", **given: int) -> UndecodedEvent:
    layout = layouts()["open"]
    values = dict.fromkeys(layout.names(), 0) | {
        "head_type": OPENAT, "user": len(path), "base": len(base), "real": len(real), "file_mode": 0o100644, **given
    }  # fmt: skip
    return UndecodedEvent(
        "syscall", "openat", 0, record=layout.packer.pack(*values.values()) + path + base + real, source_key=path[:8]
    )


def discarded(
    monkeypatch: pytest.MonkeyPatch, names: OpenedName, *events: UndecodedEvent, types: frozenset[str]
) -> list[bytes]:
    written: dict[int, dict[bytes, bytes]] = {}
    monkeypatch.setattr(bpf_syscall, "update_many", written.__setitem__)
    calls = JudgedCalls({"JUDGED_CALLS": 0, "CALLER_CLASSES": 1}, Flow())  # type: ignore[arg-type]  # instead of maps
    calls.use(types, names)
    calls.take(events, {b"caller": 7})
    assert {b"caller": CALLER_CLASS.pack(7, 1)} == written[1]
    return list(written[0])


ALL = (
    opened(b"/srv/a"), opened(b"/srv/./b"), opened(b"c", base=b"/srv"), opened(b"/srv/d", b"/srv/d"),
    opened(b"/srv/e", b"/mnt/e"), opened(b"/srv/f", file_mode=0o040755), opened(b"/srv/./g", head_result=-13),
)  # fmt: skip


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (OpenedName.UNUSED, [b"/srv/a", b"/srv/./b", b"c", b"/srv/d", b"/srv/e", b"/srv/f", b"/srv/./g"]),
        (OpenedName.KEPT, [b"/srv/a", b"/srv/d", b"/srv/e", b"/srv/./g"]),
        (OpenedName.EMITTED, [b"/srv/d", b"/srv/./g"]),
    ],
)
def test_opens_whose_path_later_events_would_show_differently_are_not_discarded(
    monkeypatch: pytest.MonkeyPatch, names: OpenedName, expected: list[bytes]
) -> None:
    assert [path[:8] for path in expected] == discarded(monkeypatch, names, *ALL, types=frozenset({"openat"}))


def test_types_that_the_state_needs_are_not_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [] == discarded(monkeypatch, OpenedName.UNUSED, *ALL, types=frozenset({"open"}))


def test_each_change_is_another_generation() -> None:
    flow = Flow()
    calls = JudgedCalls({}, flow)  # type: ignore[arg-type]  # Flow gets the map's values
    calls.use({"openat"}, OpenedName.KEPT)
    calls.take(None, {})
    calls.use((), OpenedName.UNUSED)
    calls.use({"open"}, OpenedName.UNUSED)

    assert [(1, True), (2, True), (0, False), (4, False)] == flow.reported


@pytest.mark.parametrize(
    ("path", "plain"),
    [(b"/a/b", True), (b"a", False), (b"/a//b", False), (b"/a/", False), (b"/a/../b", False), (b"/", False),
     (b"/..b", True), (b"", False)],
)  # fmt: skip
def test_a_plain_path_is_its_own_name(path: bytes, plain: bool) -> None:
    assert plain is is_plain(path)
