"""Counts of a source over its instances: what is no count is the source's fault, and the last that was one stands."""

from copy import copy
from typing import Any

import pytest

from mozu.core.api import Counts
from mozu.core.flow.source_counts import SourceCounts
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics

FIRST = Counts(seen=21, filtered=1, lost=2, missed=3, received=15, over_share=1)


def with_text(name: str) -> Counts:
    """The counts with a text where a number belongs."""
    counts = copy(FIRST)
    setattr(counts, name, "7")
    return counts


class Source:
    """Says what the test sets."""

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


def test_a_restart_loses_no_count_of_those_before(source: Source, counts: SourceCounts) -> None:
    counts.retire()
    source.says = {"openat": FIRST, "close": Counts(seen=1, received=1, missed=None)}
    assert counts.now() == {
        "openat": Counts(seen=42, filtered=2, lost=4, missed=6, received=30, over_share=2),
        "close": Counts(seen=1, received=1, missed=None),
    }
    counts.retire()
    source.says = {"openat": Counts(seen=1, received=1, missed=None)}
    assert counts.now()["openat"] == Counts(seen=43, filtered=2, lost=4, missed=None, received=31, over_share=2)
    assert counts.now()["close"] == Counts(seen=1, received=1, missed=None)
