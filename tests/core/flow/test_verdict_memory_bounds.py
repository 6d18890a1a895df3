"""What the verdict memory keeps is bounded: tasks by their number, verdicts by their bytes."""

import pytest

from mozu.core.flow import verdict_memory
from tests.core.flow.test_verdict_memory import FAMILY, TIMES, fields, opened, process
from tests.support.judged_twice import SIZE, by_rules


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


def test_what_is_kept_is_told_by_metrics_and_gone_when_it_is_forgotten() -> None:
    twice = by_rules("evt.type = openat and fd.name = /etc/shadow", fields=fields())
    twice.process(*FAMILY)
    for _ in range(TIMES):
        twice.process(opened(path="/srv/1"), opened(path="/srv/2"))
    verdicts, metrics = twice.remembering.pipeline.verdicts, twice.remembering.metrics

    def told() -> dict[str, float]:
        return {name: value for name, _, value in metrics.collect() if name.startswith("verdict_memory_")}

    kept = told()
    assert (kept["verdict_memory_entries"], kept["verdict_memory_hits_total"]) == (2, verdicts.hits.value)
    assert kept["verdict_memory_bytes"] > 2 * verdict_memory.ENTRY_BYTES
    verdicts.forget()
    assert (told()["verdict_memory_entries"], told()["verdict_memory_bytes"]) == (0, 0)
