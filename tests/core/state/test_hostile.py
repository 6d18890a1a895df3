"""Recordings with hostile claims: the state answers, and its memory does not grow."""

import json
import os
import random
import subprocess
import sys
from typing import Any

import pytest

from mozu.core.model.event import File, SockAddr, SockTuple
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.syscalls import event_types
from mozu.core.state import StateMachine, state
from mozu.core.state.observed import Forked, KnownFile, KnownProcess
from tests.core.state.story import NOWHERE, Story, made, read
from tests.support.requirements import ROOT


def test_a_loop_of_parents_ends() -> None:
    story = Story()
    story.has(10, name="a", ptid=30)
    story.has(20, name="b", ptid=10)
    story.has(30, name="c", ptid=20)
    story.settled()
    event = story.write(10, 0)
    assert (("c", "b"), "a", "c b") == (
        read(event, "proc.aname"), read(event, "proc.aname", "3000"), _shown(event, "proc.aname"),
    )  # fmt: skip


def _shown(event: Any, name: str) -> Any:
    return FieldRegistry(builtin_fields()).resolve(name).show(event)


def test_a_process_can_claim_to_be_its_own_parent() -> None:
    story = Story()
    story.has(10, name="a", ptid=10)
    story.settled()
    assert read(story.write(10, 0), "proc.pname") is None


def test_the_end_of_everybody_in_a_loop_is_survived() -> None:
    story = Story()
    story.has(10, ptid=20)
    story.has(20, ptid=10)
    story.settled()
    story.exit(10)
    story.exit(20)
    assert 0 == story.machine.sizes()["tasks"]


def test_orphans_below_a_loop_of_parents_have_none() -> None:
    story = Story()
    for tid, ptid in ((10, 20), (20, 30), (30, 20), (5, 10)):
        story.has(tid, ptid=ptid)
    story.settled()
    story.exit(10)
    assert read(story.write(5, 0), "proc.pname") is None


@pytest.mark.parametrize("tid", [0, -1, -(2**63), 2**62])
def test_strange_numbers_of_tasks_are_survived(tid: int) -> None:
    story = Story()
    story.write(tid, -5)
    story.clone(tid, tid)
    story.exec(tid, "/bin/x", pid=tid)
    story.exit(tid)
    assert 0 == story.write(tid, 0).fd


@pytest.mark.parametrize("fd", [-(2**63), -1, 2**62])
def test_strange_numbers_of_descriptors_are_survived(fd: int) -> None:
    story = Story()
    story.has(10)
    story.open(10, "/x", fd)
    story.event("dup2", 10, res=fd, oldfd=fd, newfd=fd)
    story.event("close", 10, res=0, fd=fd)
    assert fd == story.write(10, fd).fd


def test_a_thread_can_claim_a_main_thread_that_is_a_thread_itself() -> None:
    story = Story()
    story.has(11, pid=10)
    story.has(12, pid=11)
    story.settled()
    story.exit(11)
    story.exit(12)
    assert 12 == story.write(12, 0).tid


# --- volume ---


@pytest.mark.parametrize("count", [12_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_very_many_processes_leave_nothing_behind(count: int) -> None:
    command = [sys.executable, "-m", "tests.core.state.generations", str(count)]
    path = f"{ROOT}:{ROOT / 'src'}"
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["before"] == found["after"]
    assert found["blocks"] < 500


def test_forks_cannot_multiply_descriptors_without_end() -> None:
    story = Story()
    story.has(10)
    for fd in range(1000):
        story.has_file(10, fd, File("file", name="/x"))
    for child in range(100, 6_100):
        story.clone(10, child)
    assert story.machine.sizes()["files"] <= (1 << 22) + 1000


# --- noise ---

_VALUES: tuple[Any, ...] = (None, 0, 1, 2, 3, -1, -100, 10, 20, 30, 2**31, 2**63 - 1, -(2**63))
_OF_TYPE: dict[str, tuple[Any, ...]] = {
    "string": (None, "", "/", "a", "../..", "\udcff"),
    "fspath": (None, "", "/", "a", "../..", "\udcff"),
    "fsrelpath": (None, "", "/", "a", "../..", "\udcff"),
    "bytes": (None, b"", b"\0", b"a\0b\0", b"x=/docker/" + b"a" * 64),
    "socktuple": (
        None, SockTuple(2, b"\1\2\3\4", 1, b"\0\0\0\0", 2), SockTuple(1, path="/x"),
        SockTuple(10, b"\0" * 16, 1, b"\0" * 16, 2), SockTuple(77),
    ),
    "sockaddr": (None, SockAddr(2, b"\1\2\3\4", 5), SockAddr(10, b"\0" * 16, 5), SockAddr(1, path="/x"), SockAddr(99)),
    "fdlist": (None, (), ((3, 1),)),
    "dynamic": (None, ("errno", -1)),
}  # fmt: skip


@pytest.mark.parametrize("live", [False, True])
def test_noise_of_every_type_is_survived_and_every_field_answers(live: bool) -> None:
    machine = StateMachine(procfs="/nowhere/at/all" if live else None)
    rng = random.Random(5)
    kinds = list(event_types().values())
    names = "proc.aname proc.sname proc.cwd fd.name proc.nthreads proc.fdopencount proc.cmdline proc.ppid proc.pgid.exe"
    registry = FieldRegistry(builtin_fields())
    readers = [registry.resolve(name).read for name in names.split()]
    for round_ in range(4_000):
        batch = []
        for _ in range(5):
            kind = rng.choice(kinds)
            event = made("getpid", rng.choice((0, -1, 10, 11, 20, 30)))
            event.type, event.time = kind.name, round_
            event.args = tuple(rng.choice(_OF_TYPE.get(param.type, _VALUES)) for param in kind.params)
            batch.append(event)
        if rng.random() < 0.1:
            batch.insert(0, _internal(rng))
        shown = machine.apply(batch)
        assert not [node.tid for node in machine._state.tables if node.main.died is not None]
        for event in shown:
            for read_field in readers:
                read_field(event)
        if rng.random() < 0.5:
            machine.prune(shown[0].num)
    assert machine.sizes()["tasks"] < 50


def _internal(rng: random.Random) -> Any:
    tid, other = rng.choice((0, 10, 11, 20, 30)), rng.choice((0, -1, 10, 11, 20))
    choices = (
        made("_fork", tid, observed=Forked(tid=other, pid=tid, vtid=other, vpid=tid)),
        made("_fork", tid, observed=Forked(tid=other, pid=other, vtid=1, vpid=1)),
        made("_process", tid, of=other, observed=KnownProcess(ptid=other, vtid=tid)),
        made("_file", tid, observed=KnownFile(other, File("ipv4", sock=SockTuple(2)))),
        made("_seeded", 0),
        made("_reset", 0),
    )
    return rng.choice(choices)


def test_tasks_that_a_recording_invents_without_end_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_RECORDED_TASKS", 1 << 13)
    machine = StateMachine(procfs=None)
    for first in range(1, 20_000, 500):
        machine.prune(machine.apply([made("getpid", tid) for tid in range(first, first + 500)])[-1].num)
    assert machine.sizes()["tasks"] == 1 << 13


@pytest.mark.parametrize(("procfs", "kept"), [(None, [1, 2]), (NOWHERE, [1, 2, 3])], ids=["a recording", "live"])
def test_a_live_machine_may_have_as_many_tasks_as_its_kernel_numbers(
    monkeypatch: pytest.MonkeyPatch, procfs: str | None, kept: list[int]
) -> None:
    monkeypatch.setattr(state, "_RECORDED_TASKS", 2)
    monkeypatch.setattr(state, "_TASK_LIMIT", 3)
    machine = StateMachine(procfs=procfs)
    machine.apply([made("getpid", tid, of=tid) for tid in range(1, 6)])
    assert kept == machine.processes()


def test_descriptors_that_a_recording_invents_without_end_are_not_kept_and_are_seen_by_their_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "_RECORDED_FILES", 1 << 16)
    machine = StateMachine(procfs=None)
    last = None
    for first in range(0, 140_000, 5_000):
        batch = [made("openat", 7, fd=fd, dirfd=-100, name="/x") for fd in range(first, first + 5_000)]
        last = machine.apply(batch)[-1]
        machine.prune(last.num)
    assert last is not None
    assert (machine.sizes()["files"] < 140_000, read(last, "fd.name")) == (True, "/x")


def test_descriptors_that_a_machine_can_have_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_COUNT_EVERY", 1)
    machine = StateMachine(procfs=None)
    for fd in range(50):
        machine.apply([made("openat", 7, fd=fd, dirfd=-100, name=f"/{fd}")])
    process = machine.process(7)
    assert process is not None
    assert {fd: file.name for fd, file in process.files.items()} == {fd: f"/{fd}" for fd in range(50)}


@pytest.mark.parametrize(("number", "kept"), [(3, [0, 1, 2]), (4, [0, 1, 2, 3])])
def test_a_recording_with_as_many_descriptors_as_it_may_have_gets_no_new_ones(
    monkeypatch: pytest.MonkeyPatch, number: int, kept: list[int]
) -> None:
    monkeypatch.setattr(state, "_COUNT_EVERY", 1)
    monkeypatch.setattr(state, "_RECORDED_FILES", number)
    machine = StateMachine(procfs=None)
    for fd in (0, 1, 2, 3, 4, 0):
        machine.apply([made("openat", 7, fd=fd, dirfd=-100, name=f"/{fd}")])
    machine.apply([made("openat", 7, fd=0, dirfd=-100, name="/again")])
    process = machine.process(7)
    assert process is not None
    assert (sorted(process.files), process.files[0].name) == (kept, "/again")


def test_descriptors_of_a_recording_are_counted_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_COUNT_EVERY", 4)
    monkeypatch.setattr(state, "_RECORDED_FILES", 2)
    machine = StateMachine(procfs=None)
    machine.apply([made("openat", 7, fd=fd, dirfd=-100, name=f"/{fd}") for fd in range(6)])
    process = machine.process(7)
    assert process is not None
    assert [0, 1, 2] == sorted(process.files)
