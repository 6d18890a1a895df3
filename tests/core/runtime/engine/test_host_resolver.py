"""Host names in rules are resolved to addresses: off the loop, repeatedly, whatever the resolver does."""

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest

from mozu.core.metrics import Metrics
from mozu.core.model.event import Address
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.config.resolve import ResolveSettings
from mozu.core.runtime.engine import host_resolver as module
from mozu.core.runtime.engine.host_resolver import HostResolver, look_up
from mozu.core.runtime.loop import run as run_loop

PATIENCE = 60.0
ONE, TWO = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
QUICK: Mapping[str, Any] = {"refresh": 0.01, "wait": 30.0}


class Resolver:
    """A stand-in for the system's resolver."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: frozenset[Address] | str) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        monkeypatch.setattr(module, "look_up", self._look_up)

    def _look_up(self, name: str) -> frozenset[Address] | str:
        with self._lock:
            self.asked.append(name)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.open.wait(PATIENCE)
        with self._lock:
            self.at_once -= 1
        return self.answers.get(name, "no such name")


class Play:
    """A host resolver at work within one loop."""

    def __init__(self, **settings: Any) -> None:
        self.names, self.metrics = Lookups(), Metrics()
        self._settings = ResolveSettings.model_construct(**settings)  # below the minimum of users

    def run(self, scene: Callable[[HostResolver], Awaitable[None]]) -> None:
        async def main() -> None:
            hosts = HostResolver(self.names, self._settings, self.metrics)
            async with asyncio.TaskGroup() as group:
                work = group.create_task(hosts.run())
                await scene(hosts)
                work.cancel()

        run_loop(main())

    async def until(self, test: Callable[[], object], what: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not test():
                await asyncio.sleep(0.01)  # other threads work meanwhile
        assert test(), what

    def numbers(self) -> dict[str, float]:
        return {name: value for name, _, value in self.metrics.collect()}


@pytest.fixture(autouse=True)
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[threading.Thread]]:
    """Yield the threads from before the test. The others must end while the stand-in still replaces the system's
    resolver.
    """
    before = set(threading.enumerate())
    yield before
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


def test_every_name_is_resolved_before_a_start_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, b_test=frozenset({ONE, TWO}), a_test=frozenset({TWO}))
    play = Play(wait=30)

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"b.test", "a.test", "absent.test"})
        await hosts.ready()
        assert {ONE: ("b.test",), TWO: ("a.test", "b.test")} == play.names.hosts

    play.run(scene)
    numbers = play.numbers()
    assert (3, 2) == (numbers["hosts_wanted"], numbers["hosts_resolved"])
    assert 1 == numbers["host_lookups_failed_total"]


def test_a_new_answer_takes_the_place_of_the_old_one_in_a_new_table(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver, play = Resolver(monkeypatch, a_test=frozenset({ONE})), Play(**QUICK)

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test"})
        await hosts.ready()
        before = play.names.hosts
        resolver.answers["a.test"] = frozenset({TWO})
        await play.until(lambda: TWO in play.names.hosts, "the new address")
        assert ({TWO: ("a.test",)}, {ONE: ("a.test",)}) == (play.names.hosts, before)

    play.run(scene)


def test_an_equal_answer_changes_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver, play = Resolver(monkeypatch, a_test=frozenset({ONE})), Play(**QUICK)

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test"})
        await hosts.ready()
        before = play.names.hosts
        await play.until(lambda: play.numbers()["host_lookups_total"] >= 3, "three look-ups")
        assert before is play.names.hosts
        assert 3 <= len(resolver.asked)

    play.run(scene)


def test_a_failure_keeps_the_last_answer_and_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    resolver, play = Resolver(monkeypatch, a_test=frozenset({ONE})), Play(**QUICK)

    async def failures(more: int) -> None:
        enough = play.numbers()["host_lookups_failed_total"] + more
        await play.until(lambda: play.numbers()["host_lookups_failed_total"] >= enough, "failures")

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test"})
        await hosts.ready()
        resolver.answers["a.test"] = "the server fails"
        await failures(3)
        assert {ONE: ("a.test",)} == play.names.hosts
        assert 1 == len(warnings(caplog))
        resolver.answers["a.test"] = "there is no such name"
        await failures(2)
        assert 2 == len(warnings(caplog))
        resolver.answers["a.test"] = frozenset({TWO})
        await play.until(lambda: TWO in play.names.hosts, "the new address")
        resolver.answers["a.test"] = "there is no such name"
        await failures(1)

    with caplog.at_level(logging.INFO, "mozu.hosts"):
        play.run(scene)
    reported = warnings(caplog)
    assert "the server fails; its 1 addresses from before stay" == reported[0].partition("resolved: ")[2]
    assert 3 == len(reported)
    assert "the host name a.test resolves again" in [record.message for record in caplog.records]


def test_a_start_waits_no_longer_than_it_may_and_a_late_answer_counts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    resolver, play = Resolver(monkeypatch, a_test=frozenset({ONE})), Play(wait=0.05, timeout=0.01)
    resolver.open.clear()

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test"})
        await hosts.ready()
        assert not play.names.hosts
        await play.until(lambda: play.numbers()["host_lookups_failed_total"], "a failure")
        resolver.open.set()
        await play.until(lambda: ONE in play.names.hosts, "the late answer")

    play.run(scene)
    (reported,) = warnings(caplog)
    assert reported.endswith("the host name a.test in rules cannot be resolved: there was no answer within 0.01 s")
    assert ["a.test"] == resolver.asked


def test_a_failure_that_comes_late_was_reported_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    resolver, play = Resolver(monkeypatch), Play(timeout=0.01, refresh=1, wait=30)
    resolver.open.clear()

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test"})
        await hosts.ready()
        await play.until(lambda: play.numbers()["host_lookups_failed_total"], "a failure")
        hosts.want({"a.test", "b.test"})
        resolver.open.set()
        await play.until(lambda: "b.test" in resolver.asked, "the other name")
        await play.until(lambda: not resolver.at_once, "no look-up under way")

    play.run(scene)
    assert 1 == len([text for text in warnings(caplog) if "a.test" in text])


def test_look_ups_are_bounded_and_those_that_hang_are_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, **{f"n{number}_test": frozenset({ONE}) for number in range(50)})
    play = Play(at_once=4, refresh=1, timeout=0.01, wait=0)
    resolver.open.clear()

    async def scene(hosts: HostResolver) -> None:
        hosts.want(resolver.answers)
        await play.until(lambda: play.numbers()["host_lookups_failed_total"] == 4, "four that hang")
        hosts.want([*resolver.answers, "another.test"])  # a new round, which skips names with a pending look-up
        resolver.open.set()
        await play.until(lambda: len(play.names.hosts.get(ONE, ())) == 50, "all of them")

    play.run(scene)
    assert 4 == resolver.most_at_once
    assert sorted({*resolver.answers, "another.test"}) == sorted(resolver.asked[:51])


def test_a_machine_without_a_thread_to_spare_fails_a_look_up_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left(name: str) -> None:
        raise RuntimeError("can't start new thread")

    Resolver(monkeypatch, a_test=frozenset({ONE}))
    play = Play(**QUICK)

    async def scene(hosts: HostResolver) -> None:
        with monkeypatch.context() as poor:
            poor.setattr(module, "WorkerThread", none_left)
            hosts.want({"a.test"})
            await hosts.ready()
        await play.until(lambda: ONE in play.names.hosts, "the next round")

    play.run(scene)
    (reported,) = warnings(caplog)
    assert reported.endswith("the host name a.test in rules cannot be resolved: can't start new thread")


def test_names_that_are_no_longer_wanted_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, a_test=frozenset({ONE}), b_test=frozenset({ONE, TWO}))
    play = Play(**QUICK)

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test", "b.test"})
        await hosts.ready()
        hosts.want({"a.test"})
        await play.until(lambda: {ONE: ("a.test",)} == play.names.hosts, "the smaller table")
        hosts.want({"a.test", "b.test"})
        await hosts.ready()
        assert {ONE: ("a.test", "b.test"), TWO: ("b.test",)} == play.names.hosts

    play.run(scene)


def test_a_stop_leaves_threads_that_hang_behind(
    monkeypatch: pytest.MonkeyPatch, threads: set[threading.Thread]
) -> None:
    resolver, play = Resolver(monkeypatch), Play(wait=0)
    resolver.open.clear()

    async def scene(hosts: HostResolver) -> None:
        hosts.want({"a.test"})
        await play.until(lambda: resolver.at_once, "a look-up that hangs")

    play.run(scene)
    left = set(threading.enumerate()) - threads
    resolver.open.set()
    assert [("mozu-resolve", True)] == [(thread.name, thread.daemon) for thread in left]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("192.0.2.7", {bytes([192, 0, 2, 7])}),
        ("2001:db8::7", {socket.inet_pton(socket.AF_INET6, "2001:db8::7")}),
        ("::ffff:192.0.2.7", {bytes([192, 0, 2, 7])}),
        ("0.0.0.0", "the answer names no address"),
        ("::", "the answer names no address"),
    ],
)
def test_addresses_are_what_a_name_is_looked_up_for(name: str, expected: object) -> None:
    assert expected == look_up(name)


@pytest.mark.parametrize("name", ["", "a" * 70 + ".test", "a\0b", "\udcff.test", "two words", "a..test"])
def test_a_text_that_can_be_no_name_is_a_failure(name: str) -> None:
    assert isinstance(look_up(name), str)
