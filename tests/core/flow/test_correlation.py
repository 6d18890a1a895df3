"""Alerts that belong together carry the id of the first of them."""

import json
from typing import Any

import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.core.flow import correlation
from mozu.core.flow.correlation import GAP, LENGTH, MOST, Correlation
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Container, Event, Process, SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.core.testing import alert, data_event, event, process
from tests.core.flow.making import Seen, Taken, pipeline_of

SECOND = 10**9
START = 1_700_000_000 * SECOND


class Machine:
    """init, sshd and a login session, to which a test adds processes; alerts are named by their numbers."""

    def __init__(self) -> None:
        self.stories = Correlation()
        self.init = process(1, sid=1)
        self.sshd = self.below(self.init, 50, sid=50)
        self.login = self.below(self.sshd, 60, sid=60)
        self.shell = self.below(self.login, 61, sid=61)
        self.count = 0

    def below(self, parent: Process, tid: int, **known: Any) -> Process:
        return process(tid, parent=parent.task, **{"sid": parent.sid, **known})

    def alert(self, actor: Process, after: float = 0.0) -> str:
        """Return the story of an alert about `actor`, so many seconds after the start."""
        self.count += 1
        made = event("openat", process=actor, time=START + int(after * SECOND))
        return self.stories.uid(made, f"alert {self.count}")


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_the_first_alert_names_the_story_and_is_not_held_back(machine: Machine) -> None:
    assert "alert 1" == machine.alert(machine.shell)


def test_processes_of_one_session_tell_one_story(machine: Machine) -> None:
    """A sed on a file of passwords: the copy is made, written, and renamed by processes of one script."""
    script = machine.below(machine.shell, 70)
    children = [machine.below(script, tid) for tid in (71, 72, 73)]
    assert {"alert 1"} == {machine.alert(child, after=number) for number, child in enumerate(children)}


def test_a_session_that_was_started_in_another_continues_its_story(machine: Machine) -> None:
    """setsid, as daemons and reverse shells do."""
    detached = machine.below(machine.shell, 80, sid=80)
    assert "alert 1" == machine.alert(machine.shell)
    assert "alert 1" == machine.alert(detached, after=1)


def test_a_session_continues_the_story_of_one_that_it_started(machine: Machine) -> None:
    detached = machine.below(machine.shell, 80, sid=80)
    assert "alert 1" == machine.alert(detached)
    assert "alert 1" == machine.alert(machine.shell, after=1)


def test_two_logins_are_two_stories_though_one_daemon_started_both(machine: Machine) -> None:
    other = machine.below(machine.below(machine.sshd, 90, sid=90), 91, sid=91)
    assert "alert 1" == machine.alert(machine.shell)
    assert "alert 2" == machine.alert(other, after=1)
    assert "alert 1" == machine.alert(machine.shell, after=2)


def test_two_services_are_two_stories(machine: Machine) -> None:
    services = [machine.below(machine.init, tid, sid=tid) for tid in (100, 101)]
    assert ["alert 1", "alert 2"] == [machine.alert(service) for service in services]


def test_a_container_is_one_story_whatever_its_sessions(machine: Machine) -> None:
    web, other = Container("a" * 64, "docker"), Container("b" * 64, "docker")
    inside = [machine.below(machine.init, tid, sid=tid, container=web) for tid in (200, 201)]
    neighbour = machine.below(machine.init, 202, sid=202, container=other)
    assert ["alert 1", "alert 1", "alert 3"] == [machine.alert(one) for one in (*inside, neighbour)]


def test_sessions_of_two_pid_namespaces_are_two_stories_though_their_numbers_are_equal(machine: Machine) -> None:
    inside = [machine.below(machine.init, tid, sid=7, pidns_start=tid) for tid in (300, 301)]
    assert ["alert 1", "alert 2"] == [machine.alert(one) for one in inside]


def test_a_pause_longer_than_the_gap_begins_another_story(machine: Machine) -> None:
    gap = GAP / SECOND
    assert ["alert 1", "alert 1", "alert 3"] == [
        machine.alert(machine.shell, after=after) for after in (0, gap, 2 * gap + 0.001)
    ]


def test_a_story_without_a_pause_ends_after_its_length(machine: Machine) -> None:
    step, length = 5, LENGTH // SECOND
    told = [machine.alert(machine.shell, after=after) for after in range(0, length + 2 * step, step)]
    assert ["alert 1"] * (length // step + 1) + [f"alert {length // step + 2}"] == told


def test_an_alert_that_comes_late_belongs_to_the_story_of_its_time(machine: Machine) -> None:
    assert "alert 1" == machine.alert(machine.shell, after=8)
    assert "alert 1" == machine.alert(machine.shell, after=0)
    assert "alert 1" == machine.alert(machine.shell, after=17)


def test_the_same_events_give_the_same_stories(machine: Machine) -> None:
    again = Machine()
    for after in (0, 3, 30, 31):
        for name in ("shell", "login", "sshd"):
            assert machine.alert(getattr(machine, name), after) == again.alert(getattr(again, name), after)


def test_an_event_of_no_process_has_no_story(machine: Machine) -> None:
    assert "" == machine.stories.uid(data_event("json", source="json"), "alert")
    assert "" == machine.stories.uid(None, "alert")
    assert "" == machine.stories.uid(event(process=process(5, sid=-1)), "alert")
    assert "" == machine.alert(machine.init)


def test_a_flood_of_sessions_is_bounded_and_forgets_the_oldest(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlation, "MOST", 10)
    services = [machine.below(machine.init, tid, sid=tid) for tid in range(1000, 1011)]
    first = [machine.alert(service) for service in services]
    assert first[1:] == [machine.alert(service, after=1) for service in services[1:]]
    assert "alert 22" == machine.alert(services[0], after=1)
    assert 1000 < MOST


@pytest.mark.parametrize("name", ["json", "ecs", "ocsf", "cloudevents"])
def test_every_format_of_fields_shows_the_story(name: str) -> None:
    made = alert()
    encoder = FORMATS[name].build(FORMATS[name].settings())
    without = json.loads(encoder.encode(made))
    made.correlation_uid = "019b76da-a800-84d4-9b1b-cad4ebc0bfe7"
    shown = json.loads(encoder.encode(made))
    match name:
        case "ecs":
            assert made.correlation_uid == shown["labels"].pop("mozu_correlation_uid")
        case "ocsf":
            assert made.correlation_uid == shown["metadata"].pop("correlation_uid")
        case _:
            assert made.correlation_uid == shown.get("data", shown).pop("correlation_uid")
    assert (without.get("labels") or {}) == (shown.pop("labels", None) or {})
    without.pop("labels", None)
    assert without == shown


def test_the_pipeline_gives_alerts_about_calls_their_story() -> None:
    taken, metrics = Taken(), Metrics()

    def judge(seen: Event) -> list[Alert]:
        made = alert(f"about {seen.num}")
        made.event_num, made.time = seen.num, seen.time
        return [made]

    source: Any = Isolated("source", "s", object(), metrics)
    pipeline = pipeline_of(source, Seen(judge), live=True, state=StateMachine(), metrics=metrics, worker=taken)
    for tid in (70, 71, 90):
        known = KnownProcess(name="sed", vtid=tid, vpid=tid, sid=90 if tid == 90 else 60)
        pipeline.repair([SyscallEvent("syscall", "_process", 0, tid=tid, pid=tid, observed=known)])
    calls = [SyscallEvent("syscall", "fchmod", number, tid=tid, pid=tid, args=(0, 3, 0)) for number, tid in
             enumerate((70, 71, 90, 70), 1)]  # fmt: skip
    pipeline.process(calls)
    first, second, other, third = taken.alerts
    assert [first.id, first.id, other.id, first.id] == [one.correlation_uid for one in (first, second, other, third)]
    assert 4 == len({one.id for one in taken.alerts})
