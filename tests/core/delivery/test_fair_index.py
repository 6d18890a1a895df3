"""The alerts that share a queue's capacity with an alert; test_fair_queue.py covers the choice of the dropped one."""

from typing import Any

import msgspec
import pytest

from mozu.core.delivery import fair_index
from mozu.core.delivery.fair_index import FairIndex, QueuedAlert, share_of
from mozu.core.delivery.packed_alert import AlertPacker, PackedAlert
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.core.delivery.poison import poison
from tests.support.packing import packed


def test_any_alert_has_a_share_property() -> None:
    for why, one in poison():
        assert 4 == len(share_of(AlertPacker().pack(one))), why


def test_a_body_that_cannot_be_read_has_the_share_of_its_rule() -> None:
    one = packed(alert("rule"))
    assert (Severity.NOTICE, "rule", "", "") == share_of(PackedAlert(one.form, one.body[:-3]))


def test_a_body_with_another_number_of_values_than_its_form_has_the_share_of_those_that_both_have() -> None:
    one, longer = (packed(alert("rule", **{"proc.name": "sh", **more})) for more in ({}, {"proc.cwd": "/"}))
    for form, body in ((one.form, longer.body), (longer.form, one.body)):
        assert (Severity.NOTICE, "rule", "", "proc.name=sh") == share_of(PackedAlert(form, body))


def test_the_share_is_found_in_the_values_of_the_output_where_there_is_no_enrichment() -> None:
    values: dict[str, Any] = {"proc.name": "sh", "user.uid": 1000, "container.id": "host"}
    one = alert("rule", **values)
    assert (Severity.NOTICE, "rule", "user.uid=3e8", "proc.name=sh") == share_of(packed(one))


def test_the_enrichment_counts_before_the_values_of_the_output() -> None:
    one = alert("rule", **{"container.id": "abc", "proc.name": "sh"})
    one.enrichment = {"container.full_id": "abcdef", "proc.pid": 10}
    assert ("container.full_id=abcdef", "proc.pid=a") == share_of(packed(one))[2:]


def test_processes_that_are_too_many_are_one_for_their_owner_and_hide_no_other_owner() -> None:
    index, most = FairIndex(), fair_index._MOST_SHARES
    for pid in range(most + 100):
        index.add(of(pid, user=1), newest=True)
    for pid in range(3):
        index.add(of(10**6 + pid, user=2), newest=True)
    assert len(index._alerts) <= most + 2
    evicted = [index.evict() for _ in range(most + 90)]
    assert all(one is not None and one.number < 10**6 for one in evicted)


def test_what_has_left_is_not_evicted_and_takes_no_share() -> None:
    index = FairIndex()
    alone, others = of(1, user=1), [of(2, user=2), of(2, user=2)]
    for one in (alone, *others):
        index.add(one, newest=True)
    index.remove(alone)
    assert {others[0].share} == set(index._alerts)
    assert [others[1], others[0], None] == [index.evict() for _ in range(3)]
    assert {} == index._alerts
    assert [({}, {})] == [(rules._owners, rules._processes) for rules in index._severities.values()]


def of(pid: int, user: int) -> QueuedAlert:
    one = msgspec.structs.replace(alert("rule"), enrichment={"proc.pid": pid, "user.uid": user})
    return QueuedAlert(pid, packed(one))


def test_owners_that_are_too_many_are_one_for_their_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_index, "_MOST_SHARES", 4)
    index = FairIndex()
    items = [of(number, user=number) for number in range(20)]
    for item in items:
        index.add(item, newest=True)

    assert len(index._alerts) <= 9
    assert index.evict() is items[-1]
    evicted = [index.evict() for _ in range(19)]
    assert {id(item) for item in items[:-1]} == {id(item) for item in evicted}
    assert index.evict() is None
