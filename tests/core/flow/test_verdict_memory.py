"""The verdict memory: equal calls are judged once, and a change of any dependency of a verdict ends it."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest

from mozu.core.flow import verdict_memory
from mozu.core.flow.judged_type import JudgedType
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, File, SyscallEvent
from mozu.core.model.fields import FieldRegistry, Resolved, read_log
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.dependency import EVERYTHING, OF_TASK, Dependency, is_lasting
from mozu.core.recording import NoRecorder
from mozu.core.state.effects import EFFECTS
from mozu.core.state.observed import Forked, KnownProcess, Moved, Opened
from tests.core.flow.making import Seen
from tests.core.state.story import made
from tests.support.judged_twice import SIZE, ByRules, Judged, JudgedTwice, by_rules

SECOND = 1_000_000_000
CONTAINER = (("", "/docker/" + "c0ffee" * 10 + "c0de"),)


def fields() -> FieldRegistry:
    return FieldRegistry(builtin_fields())


def process(tid: int, **known: Any) -> SyscallEvent:
    reported = {"vtid": tid, "vpid": tid, "cwd": "/home", "start": SECOND, **known}
    return SyscallEvent("syscall", "_process", 0, tid=tid, pid=tid, observed=KnownProcess(**reported))


def opened(tid: int = 20, path: str = "/srv/data", fd: int = 3, **given: Any) -> SyscallEvent:
    """Return a successful openat of the live source; `base` is the directory that the kernel reported as the start of
    the path.
    """
    base, real, time, pid = (given.pop(name, None) for name in ("base", "real", "time", "pid"))
    full = path if path.startswith("/") or base is None else f"{base}/{path}"
    file = File("file", full, path, real, 1, 8, 7)
    return made(
        "openat", tid, time=time or 10 * SECOND, of=pid or tid, observed=Opened(base, real), file=file, fd=fd,
        dirfd=-100, name=path, flags=1, mode=0, dev=1, ino=7,
    )  # fmt: skip


def executed(tid: int, name: str, **params: Any) -> SyscallEvent:
    reported = {"exe": name, "comm": name, "trusted_exepath": f"/{name}", "args": b"", "pid": tid, **params}
    return made("execve", tid, of=tid, res=0, **reported)


FAMILY = (
    process(1, name="init"),
    process(9, name="leader", ptid=1),
    process(10, name="shell", ptid=1),
    process(20, name="worker", ptid=10, sid=9, uid=0),
)
"""A worker below a shell, in the session of a process that is none of its ancestors."""


class Change(NamedTuple):
    """A rule that is false of the call and becomes true by `act`, which changes only this dependency."""

    dependency: Dependency
    rule: str
    act: Sequence[SyscallEvent]
    call: SyscallEvent = opened()
    again: SyscallEvent | None = None
    """The call after the act, if it differs in any bit."""


def forked(creator: int, child: int, pid: int) -> SyscallEvent:
    observed = Forked(child, pid, child, pid, ptid=creator)
    return SyscallEvent("syscall", "_fork", 0, tid=creator, pid=creator, observed=observed)


CHANGES = (
    Change(Dependency.EVENT, "fd.name = /srv/other", (), again=opened(path="/srv/other")),
    Change(Dependency.EVENT, "fd.realpath = /secret", (), opened(real="/srv/data"), opened(real="/secret")),
    Change(Dependency.EVENT, "evt.rawres < 0", (), again=opened(fd=-13)),
    Change(Dependency.FILE, "fd.name = /etc/shadow", (
        made("chdir", 20, of=20, res=0, path="/etc"),), opened(path="shadow")),
    Change(Dependency.CLOCK, "proc.duration > 60000000000", (), again=opened(time=100 * SECOND)),
    Change(Dependency.CLOCK, "evt.cpu = 1", (), again=msgspec.structs.replace(opened(), cpu=1)),
    Change(Dependency.IMAGE, "proc.name = evil", (executed(20, "evil"),)),
    Change(Dependency.CGROUP, "container.id != host", (
        SyscallEvent("syscall", "_cgroup", 0, tid=20, pid=20, observed=Moved(CONTAINER)),)),
    Change(Dependency.PROCESS, "proc.nthreads > 1", (forked(20, 21, 20),)),
    Change(Dependency.PROCESS, "user.loginuid = 1000", (executed(20, "worker", loginuid=1000),)),
    Change(Dependency.PARENT, "proc.pname = evil", (executed(10, "evil"),)),
    Change(Dependency.PARENT, "proc.aname[2] = evil", (executed(1, "evil"),)),
    Change(Dependency.IDENTITY, "user.uid = 1000", (made("setuid", 20, of=20, res=0, uid=1000),)),
    Change(Dependency.SESSION, "proc.sid = 20", (made("setsid", 20, of=20, res=20),)),
    Change(Dependency.TASKS, "proc.sname = evil", (executed(9, "evil"),)),
    Change(Dependency.CWD, "proc.cwd = /tmp/", (made("chdir", 20, of=20, res=0, path="/tmp"),)),
    Change(Dependency.DESCRIPTORS, "proc.fdopencount > 1 and fd.num = 3", (opened(fd=4, path="/srv/second"),)),
)  # fmt: skip
NAMED = [f"{one.dependency.value}: {one.rule}" for one in CHANGES]
TIMES = 10


def reported(change: Change) -> JudgedTwice:
    """Process the call often, then the change, then the call again."""
    twice = by_rules(f"evt.type = openat and {change.rule}", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(change.call)
    twice.process(*change.act)
    for _ in range(TIMES):
        twice.process(change.again or change.call)
    return twice


def forget(dependency: Dependency, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the memory ignore this dependency."""
    if dependency is Dependency.EVENT:
        for name in ("recall", "missed"):
            whole = getattr(verdict_memory.VerdictMemory, name)
            monkeypatch.setattr(
                verdict_memory.VerdictMemory, name,
                lambda self, event, *more, whole=whole: whole(self, msgspec.structs.replace(event, key=b""), *more),
            )  # fmt: skip
    elif dependency is Dependency.FILE:
        monkeypatch.setitem(EFFECTS, "openat", lambda event: (event.fd, event.file))
    elif dependency not in OF_TASK:
        monkeypatch.setattr(read_log, "is_lasting", lambda depends: is_lasting(depends - {dependency}))
    else:
        begun = JudgedType.__init__

        def without(self: JudgedType, name: str, read: Sequence[Resolved]) -> None:
            lineage = {Dependency.PARENT, Dependency.TASKS} & {dependency}
            begun(self, name, read if lineage else [one for one in read if dependency not in one.field.depends])
            self._reads_ancestors &= dependency is not Dependency.PARENT
            self._reads_others &= dependency is not Dependency.TASKS

        monkeypatch.setattr(JudgedType, "__init__", without)


@pytest.mark.parametrize("change", CHANGES, ids=NAMED)
def test_what_a_verdict_depends_on_ends_it_when_it_changes(change: Change) -> None:
    twice = reported(change)

    assert twice.agree
    assert TIMES == len(twice.remembering.alerts())


@pytest.mark.parametrize("change", CHANGES, ids=NAMED)
def test_a_memory_that_forgets_a_dependency_loses_an_alert(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(change.dependency, monkeypatch)

    twice = reported(change)

    assert TIMES == len(twice.forgetful.alerts()) > len(twice.remembering.alerts())


def test_every_dependency_is_changed_by_some_test() -> None:
    assert set(Dependency) - {Dependency.METADATA} == {one.dependency for one in CHANGES}


def test_a_parent_that_ends_gives_its_children_to_another() -> None:
    end = made("procexit", 10, of=10, status=0, reaper_tid=1)
    twice = reported(Change(Dependency.PARENT, "proc.pname = init", (end,)))

    assert twice.agree
    assert TIMES == len(twice.remembering.alerts())


def names_change(monkeypatch: pytest.MonkeyPatch | None) -> JudgedTwice:
    """Process calls while the user's name changes."""
    names = {0: "root"}
    known = fields()
    known.provide("user.name", lambda _: lambda event: names[event.process.uid], "users")
    if monkeypatch is not None:
        forget(Dependency.METADATA, monkeypatch)
    twice = by_rules("evt.type = openat and user.name = mallory", fields=known)
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened())
    names[0] = "mallory"
    for _ in range(TIMES):
        twice.process(opened())
    return twice


def test_names_that_others_know_end_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TIMES == len(names_change(None).remembering.alerts())
    assert not names_change(monkeypatch).remembering.alerts()


@pytest.mark.parametrize("change", [one for one in CHANGES if one.dependency in OF_TASK | {Dependency.EVENT}])
def test_what_changes_does_not_keep_equal_calls_from_being_remembered_before(change: Change) -> None:
    assert reported(change).hits >= TIMES - 6


def test_equal_calls_of_one_task_are_judged_once() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow and proc.pname = cat", fields=fields())
    twice.process(*FAMILY)
    for _ in range(100):
        twice.process(opened())

    assert (twice.agree, twice.hits, twice.remembering.evaluators[0].given) == (True, 96, 4)


def test_tasks_of_which_the_rules_read_the_same_share_what_was_found() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow and proc.name = cat", fields=fields())
    twice.process(*FAMILY, *(process(tid, name="other", ptid=10) for tid in range(100, 200)))
    for tid in range(100, 200):
        for _ in range(5):
            twice.process(opened(tid))

    assert twice.agree
    assert twice.hits >= 99


def test_a_call_is_remembered_when_it_comes_first_until_most_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "RESTS", (2, 2))
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    verdicts = twice.remembering.pipeline.verdicts
    twice.process(*FAMILY)
    for number in range(19):
        twice.process(opened(path=f"/srv/{number}"))
    assert 16 == verdicts.numbers()["entries"]  # a task is remembered from its fourth call on
    for number in range(19, 30):
        twice.process(opened(path=f"/srv/{number}"))
    before = verdicts.numbers()["entries"]
    twice.process(opened(path="/srv/30"))
    assert before == verdicts.numbers()["entries"]
    twice.process(opened(path="/srv/30"))

    assert (True, before + 1) == (twice.agree, verdicts.numbers()["entries"])


def test_a_type_whose_calls_never_come_again_rests_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "RESTS", (10, 15))
    one = judged_by(ByRules(("evt.type = openat and fd.name = /etc/shadow",), fields()))
    one.process(FAMILY)
    left = []
    for number in range(120):
        one.process([opened(path=f"/srv/{number}")])
        left.append("openat" in one.source.left)

    assert [(True, 20), (False, 9), (True, 20), (False, 14), (True, 20), (False, 14), (True, 20), (False, 3)] == [
        (is_left, len(list(group))) for is_left, group in itertools.groupby(left)
    ]


def test_a_call_that_raises_an_alert_is_judged_each_time() -> None:
    twice = by_rules("evt.type = openat and fd.name = /srv/data", fields=fields())
    twice.process(*FAMILY)
    for _ in range(20):
        twice.process(opened())

    assert (20, 0) == (len(twice.remembering.alerts()), twice.hits)


def test_an_alert_that_names_no_event_may_be_of_any_of_its_batch() -> None:
    class NamesNone(ByRules):
        def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
            return [msgspec.structs.replace(alert, event_num=0) for alert in super().evaluate(batch)]

    one = judged_by(NamesNone(("evt.type = openat and fd.name = /srv/data",), fields()))
    one.process(FAMILY)
    for _ in range(20):
        one.process([opened()])

    assert (20, 0) == (len(one.alerts()), one.pipeline.verdicts.hits.value)


def test_an_open_that_is_not_decoded_makes_its_descriptor() -> None:
    twice = by_rules("evt.type = read and fd.name = /srv/data", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened())
        twice.process(made("close", 20, of=20, res=0, fd=3))
    twice.process(opened())
    twice.process(made("read", 20, of=20, res=1, fd=3, size=1))

    assert twice.hits
    assert twice.agree
    assert 1 == len(twice.remembering.alerts())


def test_events_keep_the_numbers_that_they_would_have() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened(), opened(path="/etc/shadow"))

    assert twice.hits
    assert [number for _, number, _ in twice.remembering.alerts()] == list(range(2, 2 * TIMES + 1, 2))


def test_threads_are_remembered_as_their_process() -> None:
    twice = by_rules("evt.type = openat and thread.ismain = true and user.uid = 1000", fields=fields())
    twice.process(*FAMILY, forked(20, 21, 20))
    for _ in range(TIMES):
        twice.process(opened(), opened(21, pid=20))
    twice.process(made("setuid", 20, of=20, res=0, uid=1000))
    for _ in range(TIMES):
        twice.process(opened(), opened(21, pid=20))

    assert twice.hits > TIMES
    assert twice.agree
    assert TIMES == len(twice.remembering.alerts())


def test_the_number_of_a_thread_that_a_process_takes_over_is_another_task() -> None:
    twice = by_rules("evt.type = openat and proc.name = evil", fields=fields())
    twice.process(*FAMILY, forked(20, 21, 20))
    for _ in range(TIMES):
        twice.process(opened(21, pid=20))
    twice.process(forked(10, 21, 21), executed(21, "evil"))
    for _ in range(TIMES):
        twice.process(opened(21))

    assert twice.agree
    assert TIMES == len(twice.remembering.alerts())


def test_other_rules_judge_anew() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened())
    hits = twice.hits
    fresh = ByRules(("evt.type = openat and fd.name = /srv/data",), fields())
    twice.remembering.evaluation.use([Isolated("evaluator", "fresh", fresh, Metrics())])
    twice.process(opened())

    assert hits == twice.hits
    assert ["0"] == [rule for rule, _, _ in twice.remembering.alerts()]


def judged_by(*evaluators: Any) -> Judged:
    one = Judged(evaluators, SIZE, JudgedTwice(lambda: evaluators).forgetful.machine)
    one.process([])
    return one


def test_an_evaluator_that_does_not_say_by_what_it_judges_is_given_every_event() -> None:
    assert frozenset() == judged_by(Seen()).source.left
    assert frozenset() == judged_by(ByRules(("evt.type = openat",), fields()), Seen()).source.left
    assert "openat" in judged_by(ByRules(("evt.type = openat",), fields())).source.left


class Keeps:
    """A recorder that keeps its events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._none = NoRecorder()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self._none, name)
        return found

    def record(self, events: Sequence[Event]) -> None:
        self.events += events


def test_a_recording_is_given_every_event_decoded() -> None:
    one = judged_by(ByRules(("evt.type = openat and fd.name = /etc/shadow",), fields()))
    one.process(FAMILY)
    for _ in range(TIMES):
        one.process([opened()])
    recorder = Keeps()
    one.pipeline.use_recorder(recorder)
    one.process([opened()])
    one.process([opened()])

    assert [SyscallEvent, SyscallEvent] == [type(event) for event in recorder.events]
    assert frozenset() == one.source.left


def test_an_event_on_which_an_evaluator_fails_is_judged_again() -> None:
    class Fails(ByRules):
        def evaluate(self, batch: Sequence[Event]) -> Any:
            raise ValueError("no")

    one = judged_by(Fails(("evt.type = openat and fd.name = /etc/shadow",), fields()))
    one.process(FAMILY)
    for _ in range(TIMES):
        one.process([opened()])

    assert 0 == one.pipeline.verdicts.hits.value


def test_what_an_evaluator_that_is_left_out_has_not_judged_is_not_remembered() -> None:
    evaluators = [ByRules((f"evt.type = openat and fd.name = {name}",), fields()) for name in ("/nothing", "/srv/data")]
    one = judged_by(*evaluators)
    one.process(FAMILY)
    left_out = one.evaluation.evaluators[1].suspension
    left_out._until = float("inf")
    for _ in range(TIMES):
        one.process([opened()])
    assert (0, []) == (one.pipeline.verdicts.hits.value, one.alerts())
    left_out._until = 0.0
    one.process([opened()])

    assert 1 == len(one.alerts())


def test_a_field_that_says_nothing_is_never_kept() -> None:
    assert not is_lasting(EVERYTHING)
