"""Counts of a source over its instances: an invalid count is the source's fault, and the last valid one stays."""

from copy import copy
from typing import Any

import pytest

from mozu.core.api import Counts
from mozu.core.flow.source_counts import SourceCounts
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics

FIRST = Counts(seen=21, filtered=1, lost=2, missed=3, received=15, over_share=1)


def with_text(name: str) -> Counts:
    """Return the counts with a text in place of a number."""
    counts = copy(FIRST)
    setattr(counts, name, "7")
    return counts


class Source:
    """A source that reports the counts set by the test."""

    def __init__(self) -> None:
        self.says: Any = {"openat": FIRST}

    def counts(self) -> Any:
        return self.says


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def counts(source: Source) -> SourceCounts:
    isolated: Isolated[Any] = Isolated("source", "made", source, Metrics())
    return SourceCounts(isolated)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [("openat", FIRST)],
        {"openat": 7},
        {7: FIRST},
        {None: 7},
        *({"openat": with_text(name)} for name in ("seen", "filtered", "lost", "missed", "received", "over_share")),
    ],
)
def test_what_is_no_count_leaves_the_last_that_was_one(source: Source, counts: SourceCounts, wrong: Any) -> None:
    assert counts.now() == {"openat": FIRST}
    source.says = wrong
    assert counts.now() == {"openat": FIRST}


def test_a_source_may_go_on_counting_in_what_it_gave(source: Source, counts: SourceCounts) -> None:
    before = counts.now()
    source.says["close"] = Counts(seen=1, received=1)
    assert before == {"openat": FIRST}
    assert set(counts.now()) == {"openat", "close"}


def restart(source: Source, counts: SourceCounts, says: dict[str, Counts]) -> None:
    """Replace the instance that has ended by another."""
    counts.retire()
    again = copy(source)
    again.says = says
    renewed: Any = again
    counts._source._component = renewed  # as `Isolated.renew` does


def test_a_restart_loses_no_count_of_those_before(source: Source, counts: SourceCounts) -> None:
    restart(source, counts, {"openat": FIRST, "close": Counts(seen=1, received=1, missed=None)})
    assert counts.now() == {
        "openat": Counts(seen=42, filtered=2, lost=4, missed=6, received=30, over_share=2),
        "close": Counts(seen=1, received=1, missed=None),
    }
    restart(source, counts, {"openat": Counts(seen=1, received=1, missed=None)})
    assert counts.now()["openat"] == Counts(seen=43, filtered=2, lost=4, missed=None, received=31, over_share=2)
    assert counts.now()["close"] == Counts(seen=1, received=1, missed=None)


def test_an_instance_that_has_ended_is_counted_once_as_long_as_no_other_is_there(
    source: Source, counts: SourceCounts
) -> None:
    """Check during the back-off before the next start, which lasts up to 30 seconds; a start may also fail."""
    counts.retire()
    source.says = {"openat": Counts(seen=1_000, lost=1_000)}
    counts.retire()
    assert counts.now() == {"openat": FIRST}


def test_what_an_instance_has_seen_and_never_gave_is_lost(source: Source, counts: SourceCounts) -> None:
    source.says = {
        "openat": Counts(seen=1_100, filtered=7, lost=5, missed=3, received=17, over_share=2),
        "close": Counts(seen=9, missed=None, received=4),
    }
    assert counts.now() == source.says, "it lies in the ring buffer"
    counts.retire()
    assert counts.now() == {
        "openat": Counts(seen=1_100, filtered=7, lost=1_073, missed=3, received=17, over_share=2),
        "close": Counts(seen=9, lost=5, missed=None, received=4),
    }
