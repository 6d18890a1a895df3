"""A destination has at most one waiting heartbeat."""

import time

import pytest
from msgspec.structs import replace

from mozu.core.api import Record
from mozu.core.delivery.held_heartbeat import HeldHeartbeat
from mozu.core.model.alert import Stamp
from mozu.core.testing import alert
from tests.support.packing import packed

BEAT = replace(alert("heartbeat"), id="beat")


def record(number: int, ident: str) -> Record:
    return Record(replace(alert(), id=ident), b"", Stamp("agent", "sink", "epoch", number))


@pytest.fixture
def held() -> HeldHeartbeat:
    held = HeldHeartbeat()
    held.put(packed(BEAT))
    return held


def test_none_waits_before_one_was_put() -> None:
    assert (False, 0.0) == (bool(HeldHeartbeat()), HeldHeartbeat().age)


def test_it_waits_until_its_own_record_has_left_the_queue(held: HeldHeartbeat) -> None:
    held.settle([record(1, "other"), record(2, "beat")], {1})
    waits = bool(held)
    held.settle([record(1, "other")], {1, 2})
    assert [True, True] == [waits, bool(held)]
    held.settle([record(1, "other"), record(2, "beat")], {2})
    assert (False, 0.0) == (bool(held), held.age)


def test_alerts_without_an_id_settle_nothing_where_none_waits() -> None:
    held = HeldHeartbeat()
    held.settle([record(1, "")], {1})
    assert not held


def test_its_age_is_the_time_since_it_was_put(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    held = HeldHeartbeat()
    held.put(packed(BEAT))
    now = 103.5
    assert 3.5 == held.age
