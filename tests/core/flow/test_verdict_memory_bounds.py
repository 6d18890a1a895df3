"""The bounds of the verdict memory: tasks by their number, verdicts by their bytes."""

import itertools
from collections.abc import Iterable

import pytest

from mozu.core.flow import verdict_memory
from tests.core.flow.test_verdict_memory import FAMILY, TIMES, fields, opened, process
from tests.core.state.story import made
from tests.support.judged_twice import SIZE, JudgedTwice, by_rules


@pytest.mark.parametrize("rule", ["proc.name = evil", "proc.pid = 1"], ids=["the same of all", "of each another"])
def test_no_more_tasks_are_known_than_the_bound(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "_TASKS", 8)
    twice = by_rules(f"evt.type = openat and {rule}", fields=fields())
    twice.process(*FAMILY, *(process(tid, name="other", ptid=10) for tid in range(100, 120)))
    known = twice.remembering.pipeline.verdicts._types["openat"]
    for tid in range(100, 120):
        for _ in range(TIMES):
            twice.process(opened(tid))
        assert 1 <= len(known.callers) <= 8
        assert len(known.by_values) <= 8

    assert twice.agree
    assert twice.hits >= 20


def test_the_memory_keeps_to_its_size_and_gives_back_half() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    for number in range(3 * SIZE // 500):
        call = opened(path=f"/srv/{number}")
        twice.process(call, call, call, call)
        twice.process(call)
    verdicts = twice.remembering.pipeline.verdicts
    entries = verdicts.numbers()["entries"]

    assert SIZE // 1500 < entries < SIZE // 500
    assert (entries + 1) // 2 == verdicts.shrink()
    assert entries // 2 == verdicts.numbers()["entries"]
    assert twice.agree


def test_what_is_kept_is_reported_by_metrics_and_gone_when_it_is_forgotten() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened(path="/srv/1"), opened(path="/srv/2"))
    verdicts, metrics = twice.remembering.pipeline.verdicts, twice.remembering.metrics

    def reported() -> dict[str, float]:
        return {name: value for name, _, value in metrics.collect() if name.startswith("verdict_memory_")}

    kept = reported()
    assert (kept["verdict_memory_entries"], kept["verdict_memory_hits_total"]) == (2, verdicts.hits.value)
    assert kept["verdict_memory_bytes"] > 2 * verdict_memory.ENTRY_BYTES
    verdicts.forget()
    assert (reported()["verdict_memory_entries"], reported()["verdict_memory_bytes"]) == (0, 0)


def rested(twice: JudgedTwice, paths: Iterable[str]) -> list[int]:
    """Process a batch for each of these opens; return the lengths of the runs in which the type rested, or did not, in
    turn.
    """
    left = []
    for path in paths:
        twice.process(opened(path=path))
        left.append("openat" in twice.remembering.source.left)
    return [len(list(group)) for _, group in itertools.groupby(left)]


def test_a_rest_that_follows_calls_that_came_again_is_short_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "RESTS", (10, 1_000))
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    once = iter(f"/srv/{number}" for number in range(1_000))
    growing = rested(twice, itertools.islice(once, 81))
    again = [path for _ in range(4) for path in [next(once)] * 20]
    rested(twice, [*itertools.islice(once, 10), *again])
    shorter = rested(twice, itertools.islice(once, 60))

    assert growing == [20, 9, 20, 19, 13]
    assert 9 in shorter
    assert 39 not in shorter


@pytest.mark.parametrize("bound", [3, 10])
def test_calls_that_came_once_are_known_up_to_the_bound(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "_WORTH", 1_000)
    monkeypatch.setattr(verdict_memory, "_SEEN", bound)
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    verdicts = twice.remembering.pipeline.verdicts
    twice.process(*FAMILY)
    twice.process(*[opened(path="/srv/again")] * 7)
    known = []
    for number in range(60):
        twice.process(opened(path=f"/srv/{number}"), opened(path=f"/srv/other {number}"), opened(path="/srv/again"))
        known.append(len(verdicts._seen))

    assert max(known) == bound


def test_calls_that_come_by_turns_are_remembered_though_their_type_seldom_repeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    monkeypatch.setattr(verdict_memory, "_WORTH", 1_000)
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    twice.process(*[opened(path="/srv/again")] * 7)
    for number in range(30):
        twice.process(opened(path=f"/srv/{number}"), opened(path=f"/srv/other {number}"), opened(path="/srv/again"))
    before = twice.hits
    for _ in range(3):
        twice.process(opened(path="/srv/one"))
        twice.process(opened(path="/srv/other"))

    assert 2 == twice.hits - before
    assert twice.agree


def test_tasks_that_have_ended_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_memory, "_TASKS", 8)
    twice = by_rules("evt.type = openat and proc.name = evil", fields=fields())
    twice.process(*FAMILY, *(process(tid, name="other", ptid=10) for tid in range(100, 112)))
    known = twice.remembering.pipeline.verdicts._types["openat"]

    def call(*tids: int) -> None:
        for tid in tids:
            for _ in range(TIMES):
                twice.process(opened(tid))

    call(*range(100, 108))
    twice.process(*(made("procexit", tid, of=tid, status=0, reaper_tid=1) for tid in range(100, 106)))
    call(*range(108, 112))

    assert {f"{tid}/{tid}".encode() for tid in (106, 107, *range(108, 112))} == set(known.callers)
    assert twice.agree


def test_tasks_share_what_was_found_whatever_they_did_when_they_were_looked_at_first() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow and proc.name = cat", fields=fields())
    twice.process(*FAMILY, process(100, name="other", ptid=10), process(101, name="other", ptid=10))
    for tid in (100, 101):
        for number in range(5):
            twice.process(opened(tid, path=f"/srv/{tid}/{number}"))
    twice.process(opened(100, path="/srv/shared"))
    hits = twice.hits
    twice.process(opened(101, path="/srv/shared"))

    assert (hits + 1, True) == (twice.hits, twice.agree)


@pytest.mark.parametrize("last", [20, 30])
def test_processes_that_are_each_other_s_parent_have_an_end(last: int) -> None:
    twice = by_rules("evt.type = openat and proc.aname = evil", fields=fields())
    twice.process(process(20, name="a", ptid=30), process(30, name="b", ptid=40), process(40, name="c", ptid=last))
    for _ in range(TIMES):
        twice.process(opened(20))

    assert (TIMES - 4, True) == (twice.hits, twice.agree)


def test_a_call_of_no_process_is_judged_each_time() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened(0))
    twice.process(opened(0, path="/etc/shadow"))

    assert (1, True) == (len(twice.remembering.alerts()), twice.agree)


@pytest.mark.parametrize(("again", "kept"), [(1, 0), (2, 1)])
def test_a_type_is_repetitive_where_as_many_calls_come_again_as_come_first(
    again: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_memory, "WINDOW", 20)
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    verdicts = twice.remembering.pipeline.verdicts
    twice.process(*FAMILY)
    for number in range(20):
        once = [opened(path=f"/srv/{number}"), opened(path=f"/srv/other {number}")]
        twice.process(*once, *[opened(path="/srv/again")] * again)
    entries = verdicts.numbers()["entries"]
    twice.process(opened(path="/srv/last"))

    assert (entries + kept, True) == (verdicts.numbers()["entries"], twice.agree)
