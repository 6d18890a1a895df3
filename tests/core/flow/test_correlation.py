"""Related alerts carry one id, which follows from the event and its processes alone."""

import asyncio
import json
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.core.flow.correlation import MINUTE, YOUNG, correlation_uid
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Container, Event, Process, SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.core.testing import alert, data_event, event, process
from tests.core.flow.making import Seen, Taken, pipeline_of

SECOND = 10**9
START = 1_700_000_000 * SECOND // MINUTE * MINUTE
"""The beginning of a minute, in nanoseconds since the epoch."""
LONG_AGO = START - 3600 * SECOND


class Machine:
    """A machine with init, sshd and the shell of a login an hour ago, to which a test adds processes."""

    def __init__(self) -> None:
        self.init = process(1, sid=1)
        self.sshd = self.below(self.init, 50, sid=50)
        self.login = self.below(self.sshd, 60, sid=60)
        self.shell = self.below(self.login, 61, sid=61)

    def below(self, parent: Process, tid: int, began: float | None = None, **known: Any) -> Process:
        """Return a child that began `began` seconds after START; long ago if None."""
        start = LONG_AGO if began is None else START + int(began * SECOND)
        return process(tid, parent=parent.task, start=start, **{"sid": parent.sid, "vpid": tid, **known})

    def story(self, actor: Process, after: float = 0.0, host: str = "host") -> str:
        """Return the story of an alert on `actor`, `after` seconds after START."""
        return correlation_uid(event("openat", process=actor, time=START + int(after * SECOND)), host)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_what_begins_within_a_minute_of_one_session_is_one_story(machine: Machine) -> None:
    """Check with the parts of a pipeline: only their session and the minute connect them."""
    commands = [machine.below(machine.shell, tid, began=tid - 70) for tid in (70, 71, 129)]
    assert 1 == len({machine.story(command, after=100) for command in commands})
    assert machine.story(commands[0], 100) != machine.story(machine.below(machine.shell, 130, began=60), 100)


def test_a_command_and_what_it_starts_is_one_story_across_the_ends_of_minutes(machine: Machine) -> None:
    """Check with sed on a file of passwords: the copy is made, written, and renamed by processes of one script."""
    script = machine.below(machine.shell, 70, began=59)
    children = [machine.below(script, 71 + number, began=began) for number, began in enumerate((59.9, 60.1, 200))]
    assert 1 == len({machine.story(child, after=201) for child in (script, *children)})


def test_a_command_that_runs_for_longer_than_its_story_begins_others(machine: Machine) -> None:
    script = machine.below(machine.shell, 70, began=0)
    length = YOUNG // SECOND
    assert machine.story(script, 0) == machine.story(script, length)
    assert machine.story(script, 0) != machine.story(script, length + 0.001)


def test_a_server_and_the_shell_that_it_is_made_to_start_are_one_story(machine: Machine) -> None:
    """Check that an alert on the server, which is old, belongs to the minute of the event."""
    server = machine.below(machine.init, 100, sid=100)
    assert machine.story(server, after=3) == machine.story(machine.below(server, 101, began=5), after=20)
    assert machine.story(server, after=3) != machine.story(server, after=60)


def test_a_session_that_was_started_in_another_belongs_to_its_story(machine: Machine) -> None:
    """Check with setsid, as daemons and reverse shells call it."""
    detached = machine.below(machine.shell, 80, began=1, sid=80)
    deeper = machine.below(detached, 81, began=2, sid=81)
    assert {machine.story(machine.shell, after=1)} == {machine.story(one, after=3) for one in (detached, deeper)}


def test_two_logins_are_two_stories_though_one_daemon_started_both(machine: Machine) -> None:
    other = machine.below(machine.below(machine.sshd, 90, sid=90), 91, sid=91)
    assert machine.story(machine.shell) != machine.story(other)


def test_two_services_are_two_stories(machine: Machine) -> None:
    services = [machine.below(machine.init, tid, sid=tid) for tid in (100, 101)]
    assert 2 == len({machine.story(service) for service in services})


def test_a_container_is_one_story_whatever_its_sessions(machine: Machine) -> None:
    web, other = Container("a" * 64, "docker"), Container("b" * 64, "docker")
    inside = [machine.below(machine.init, tid, sid=tid, container=web) for tid in (200, 201)]
    neighbour = machine.below(machine.init, 202, sid=202, container=other)
    first, second, third = [machine.story(one) for one in (*inside, neighbour)]
    assert first == second
    assert third != first


def test_what_runs_in_a_container_began_in_it(machine: Machine) -> None:
    """Check with an equally young program outside, which started the container in another minute."""
    web = Container("a" * 64, "docker")
    outside = machine.below(machine.init, 200, began=50, sid=200)
    inside = machine.below(outside, 201, began=61, sid=201, container=web)
    assert machine.story(inside, 70) == machine.story(machine.below(inside, 202, began=130, container=web), 131)
    assert machine.story(inside, 70) != machine.story(outside, 70)
    assert machine.story(inside, 70) == machine.story(machine.below(machine.init, 203, began=119, container=web), 119)


def test_sessions_of_two_pid_namespaces_are_two_stories_though_their_numbers_are_equal(machine: Machine) -> None:
    inside = [machine.below(machine.init, tid, sid=7, vpid=7, pidns_start=tid) for tid in (300, 301)]
    assert 2 == len({machine.story(one) for one in inside})


def test_a_process_whose_session_is_of_another_pid_namespace_belongs_to_its_parents_story(machine: Machine) -> None:
    """Check with `unshare --pid --fork`: the kernel reports session 0."""
    inside = machine.below(machine.shell, 300, vpid=1, sid=0, pidns_start=5)
    assert machine.story(machine.shell) == machine.story(inside)


def test_two_hosts_are_two_stories(machine: Machine) -> None:
    assert machine.story(machine.shell, host="a") != machine.story(machine.shell, host="b")


def test_an_event_of_no_process_has_no_story(machine: Machine) -> None:
    assert "" == correlation_uid(data_event("json", source="json"), "host")
    assert "" == correlation_uid(None, "host")
    assert "" == correlation_uid(event(process=process(5, sid=-1)), "host")
    assert "" == machine.story(machine.init)


def test_a_process_whose_start_is_not_known_has_the_story_of_its_events(machine: Machine) -> None:
    unknown = process(70, parent=machine.shell.task, sid=61, vpid=70)
    assert machine.story(machine.shell, 3) == machine.story(unknown, 3)


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


def about(seen: Event) -> list[Alert]:
    made = alert(f"about {seen.num}")
    made.event_num, made.time = seen.num, seen.time
    return [made]


class Slow:
    """An enricher that knows no process that calls `fchmod` until it is allowed to."""

    def __init__(self) -> None:
        self.let = asyncio.Event()

    async def start(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        return str(event.tid) if isinstance(event, SyscallEvent) and event.type == "fchmod" else None

    def known(self, key: str) -> bool:
        return self.let.is_set()

    async def resolve(self, key: str) -> None:
        await self.let.wait()

    def readers(self) -> Mapping[str, Any]:
        return {}

    async def stop(self) -> None:
        pass


KINDS = ("fchmod", "fchown", "fchmod", "fchown")


async def stories(*, live: bool) -> tuple[list[int], dict[int, str]]:
    """Return the numbers of events in the order in which their alerts are raised, and the stories by number."""
    taken, metrics, slow = Taken(), Metrics(), Slow()
    source: Any = Isolated("source", "s", object(), metrics)
    async with asyncio.TaskGroup() as group:
        pipeline = pipeline_of(
            source, Seen(about), live=live, state=StateMachine(), metrics=metrics, worker=taken,
            enrichers=[Isolated("enricher", "slow", slow, metrics)],
            spawn=lambda work, name: group.create_task(work),
        )  # fmt: skip
        for tid in (70, 71, 90):
            known = KnownProcess(name="sed", vtid=tid, vpid=tid, sid=90 if tid == 90 else 60)
            pipeline.repair([SyscallEvent("syscall", "_process", 0, tid=tid, pid=tid, observed=known)])
        calls = zip(KINDS, (70, 71, 90, 70), (0, 11, 12, 22), strict=True)
        pipeline.process([
            SyscallEvent("syscall", kind, START + after * SECOND, tid=tid, pid=tid, args=(0, 3, 0))
            for kind, tid, after in calls
        ])  # fmt: skip
        slow.let.set()
    return [one.event_num for one in taken.alerts], {one.event_num: one.correlation_uid for one in taken.alerts}


def test_a_replay_has_the_stories_of_a_run_that_waited_for_an_enricher() -> None:
    (order, run), (order_again, replay) = asyncio.run(stories(live=True)), asyncio.run(stories(live=False))
    first, *_ = sorted(run)
    assert order != order_again == sorted(order), "events were held in the run"
    assert run == replay
    assert run[first] == run[first + 1] == run[first + 3] != run[first + 2]


def test_no_order_of_alerts_changes_a_story(machine: Machine) -> None:
    """Check that the order of several evaluators, each of which raises its alerts when it is done, has no effect."""
    seen = [
        (machine.shell, 0.0),
        (machine.below(machine.shell, 70, began=8), 8.5),
        (machine.sshd, 9.0),
        (machine.shell, 65.0),
    ]
    orders = [{(one.tid, after): machine.story(one, after) for one, after in order} for order in permutations(seen)]
    assert all(orders[0] == order for order in orders)
    assert 3 == len(set(orders[0].values()))


def test_the_first_alert_carries_its_story_at_once() -> None:
    """Check that no alert is held back: a batch of one event makes an alert with an id."""
    taken, metrics = Taken(), Metrics()
    source: Any = Isolated("source", "s", object(), metrics)
    pipeline = pipeline_of(source, Seen(about), live=True, state=StateMachine(), metrics=metrics, worker=taken)
    known = KnownProcess(name="sed", vtid=70, vpid=70, sid=60)
    pipeline.repair([SyscallEvent("syscall", "_process", 0, tid=70, pid=70, observed=known)])
    pipeline.process([SyscallEvent("syscall", "fchmod", START, tid=70, pid=70, args=(0, 3, 0))])
    assert [True] == [bool(one.correlation_uid) for one in taken.alerts]
