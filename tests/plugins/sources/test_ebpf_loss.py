"""Loss accounting: a flood of a known number of calls, compared with the source's counts."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from mozu.core.api import Counts
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.actor import Actor
from tests.support.acts import floods
from tests.support.live import QUIET, Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

FLOOD = 40_000
KIND = "setregid"
"""Call that no other process makes, so every one is the flood's."""


@pytest.fixture
@needs_live
def tiny() -> Iterator[Live]:
    """Yield a source with a ring that overflows at once."""
    requirements.ebpf()
    with Live(EbpfSource(4096, context()), demand(KIND, "procexit")) as running:
        yield running


def count(live: Live, name: str) -> Counts:
    """Return the source's counts of one type."""
    return live.source.counts()[name]


def total(counts: Counts) -> int:
    """Return the sum of the parts."""
    assert counts.missed is not None
    return counts.filtered + counts.lost + counts.missed + counts.received


def test_seen_is_exactly_what_was_made_and_the_sum_of_its_parts(tiny: Live) -> None:
    pid, made = tiny.actor.act(floods.calls, FLOOD)
    tiny.stop()

    counts = count(tiny, KIND)
    assert made == FLOOD
    assert counts.seen == FLOOD == total(counts)
    assert counts.lost > 0
    assert counts.received == len([e for e in tiny.seen() if e.type == KIND and e.pid == pid])


def test_mozu_itself_is_counted_as_filtered(tiny: Live) -> None:
    floods.calls(1000)
    tiny.stop()

    counts = count(tiny, KIND)
    assert (counts.seen, counts.filtered, counts.received) == (1000, 1000, 0)


def test_all_types_add_up_after_the_end(live: Live) -> None:
    requirements.ebpf()
    with Live(EbpfSource(1 << 20, context()), demand(*QUIET)) as other:
        other.actor.act(floods.calls, 1000)
        other.stop()
        found = other.source.counts()

    assert {name: counts.seen for name, counts in found.items()} == {name: total(c) for name, c in found.items()}


def test_a_new_demand_keeps_what_stays_and_what_was_counted(tiny: Live) -> None:
    tiny.actor.act(floods.calls, 10)
    tiny.update(demand("unlink"))
    tiny.actor.act(floods.calls, 10)
    tiny.update(demand(KIND))
    tiny.actor.act(floods.calls, 10)
    tiny.stop()

    counts = count(tiny, KIND)
    assert (counts.seen, total(counts)) == (20, 20)


def test_nothing_of_a_staying_type_is_lost_while_demand_changes() -> None:
    requirements.ebpf()
    with Live(EbpfSource(16 << 20, context()), demand(KIND)) as running:
        worker = running.actor.begin(floods.calls, FLOOD)
        for wanted in (demand(KIND, "unlink", "rename"), demand(KIND, "mkdir"), demand(KIND)):
            running.update(wanted)
        pid, made = worker()
        running.wait(lambda seen: any(e.type == "procexit" and e.pid == pid for e in reversed(seen[-5000:])))
        running.stop()

        opens = [e for e in running.seen() if e.type == KIND and e.pid == pid]
        assert len(opens) + count(running, KIND).lost == made == FLOOD
        assert count(running, KIND).lost == 0


def test_events_of_a_thread_stay_in_order(live: Live) -> None:
    act = live.act(floods.numbered, 3000)

    names = [e.args[2] for e in act.of("openat2")]
    assert names == [f"/nonexistent/{number}" for number in range(3000)]


def test_what_nobody_reads_after_a_stop_counts_as_lost() -> None:
    requirements.ebpf()
    source, actor, made = EbpfSource(8 << 20, context()), Actor(), 5000

    async def stop_early() -> None:
        await source.start(demand(KIND))
        batches: Any = source.batches()  # a generator, of which the contract says only that it can be read
        await asyncio.to_thread(actor.act, floods.calls, made)
        await anext(batches)
        await source.stop()
        await batches.aclose()

    try:
        asyncio.run(stop_early())
    finally:
        actor.close()
    counts = source.counts()[KIND]

    assert made == counts.seen == total(counts)
    assert 0 < counts.received < made
    assert counts.lost == made - counts.received
