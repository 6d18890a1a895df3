"""Which alert a full queue drops: by priority, then fairly by rule, then by process."""

import random
from collections import Counter

import msgspec
import pytest

from mozu.core.delivery.alert_queue import DroppedNumbers, DroppedRange
from mozu.core.delivery.fair_queue import DropCounter, FairQueue, share_of
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.testing import alert
from tests.core.delivery.poison import poison


def an_alert(rule: str, priority: Severity = Severity.WARNING, pid: int = 1) -> Alert:
    made = alert(rule)
    return msgspec.structs.replace(made, priority=priority, enrichment={"proc.pid": pid})


def fill(queue: FairQueue, *alerts: Alert, first: int = 1) -> list[int]:
    """Numbers that were dropped."""
    return [found[0] for number, one in enumerate(alerts, first) if (found := queue.put(number, one)) is not None]


def rules(queue: FairQueue) -> list[str]:
    return [one.rule for _, one in queue.take(1_000)]


def test_below_its_capacity_it_drops_nothing_and_keeps_the_order() -> None:
    queue = FairQueue(3)
    assert ([], ["a", "b", "c"]) == (fill(queue, *map(an_alert, "abc")), rules(queue))


def test_the_least_severe_makes_room_whatever_is_newest() -> None:
    queue = FairQueue(3)
    dropped = fill(
        queue,
        an_alert("old debug", Severity.DEBUG),
        an_alert("notice", Severity.NOTICE),
        an_alert("new debug", Severity.DEBUG),
        an_alert("worst", Severity.EMERGENCY),
        an_alert("bad", Severity.CRITICAL),
    )
    assert ([3, 1], ["notice", "worst", "bad"]) == (dropped, rules(queue))


def test_a_less_severe_one_that_comes_to_a_full_queue_is_dropped_itself() -> None:
    queue = FairQueue(2)
    dropped = fill(queue, *(an_alert("worst", Severity.EMERGENCY) for _ in range(2)), an_alert("d", Severity.DEBUG))
    assert ([3], ["worst", "worst"]) == (dropped, rules(queue))


def test_a_noisy_rule_hides_no_other_of_its_priority() -> None:
    queue = FairQueue(10)
    noisy = [an_alert("noisy", Severity.CRITICAL, pid) for pid in range(1_000)]
    dropped = fill(queue, *noisy, *(an_alert(f"rare {number}", Severity.CRITICAL) for number in range(4)))
    kept = Counter(rules(queue))
    assert (6, [1, 1, 1, 1], 994) == (kept.pop("noisy"), list(kept.values()), len(dropped))


def test_a_noisy_process_hides_no_other_of_its_rule() -> None:
    queue = FairQueue(10)
    fill(queue, *(an_alert("rule") for _ in range(1_000)), *(an_alert("rule", pid=pid) for pid in (7, 8, 9)))
    kept = Counter(one.enrichment["proc.pid"] for _, one in queue.take(100))
    assert {1: 7, 7: 1, 8: 1, 9: 1} == kept


def test_a_container_is_one_however_many_processes_it_makes() -> None:
    many = [an_alert("rule", pid=pid) for pid in range(1_000)]
    for one in many:
        one.enrichment["container.id"] = "abc"
    queue = FairQueue(10)
    fill(queue, *many, an_alert("rule", pid=5_000))
    assert 5_000 in [one.enrichment["proc.pid"] for _, one in queue.take(100)]


def test_a_user_outside_of_containers_is_one_however_many_processes_it_makes() -> None:
    many = [an_alert("rule", pid=pid) for pid in range(1_000)]
    for one in many:
        one.values = {"user.uid": 65534, "container.id": "host"}
    queue = FairQueue(10)
    fill(queue, *many, an_alert("rule", pid=5_000))
    assert 5_000 in [one.enrichment["proc.pid"] for _, one in queue.take(100)]


def test_of_a_noisy_process_the_first_stay() -> None:
    queue = FairQueue(3)
    assert [4, 5, 6] == fill(queue, *(an_alert("rule") for _ in range(6)))
    assert [1, 2, 3] == [number for number, _ in queue.take(10)]


def test_notices_have_room_of_their_own_and_are_no_victims() -> None:
    queue = FairQueue(1)
    notice = msgspec.structs.replace(an_alert("Events lost", Severity.DEBUG), source="internal")
    assert [1] == fill(queue, an_alert("debug", Severity.DEBUG), notice, an_alert("worst", Severity.EMERGENCY))
    assert ["Events lost", "worst"] == rules(queue)
    assert [1_002] == fill(FairQueue(1), *[notice] * 1_002)


def test_after_pressure_it_is_a_plain_queue_again() -> None:
    queue = FairQueue(4)
    fill(queue, *(an_alert("rule") for _ in range(9)))
    taken = [number for number, _ in queue.take(2)]
    assert ([1, 2], None, 2) == (taken, queue._index, len(queue))
    assert ([], [3, 4, 10, 11]) == (
        fill(queue, an_alert("a"), an_alert("b"), first=10),
        [number for number, _ in queue.take(9)],
    )


def test_the_memory_of_a_queue_under_pressure_is_bounded() -> None:
    queue = FairQueue(100)
    number = 0
    for priority in sorted(Severity, reverse=True):
        fill(queue, *(an_alert(f"{priority} {one}", priority) for one in range(1_000)), first=number + 1)
        number += 1_000
    assert (100, True) == (len(queue), len(queue._items) <= 201)


def test_nothing_is_lost_or_given_twice_and_the_worst_are_kept_property() -> None:
    chance = random.Random(5)
    for _ in range(200):
        queue, put, gone, given = FairQueue(chance.randint(1, 20)), dict[int, Alert](), list[int](), list[int]()
        for number in range(1, chance.randint(2, 200)):
            put[number] = an_alert(chance.choice("abcd"), chance.choice(list(Severity)), chance.randint(1, 3))
            if (victim := queue.put(number, put[number])) is not None:
                gone.append(victim[0])
                assert victim[1] is put[victim[0]]
                waiting = set(put) - set(gone) - set(given)
                assert all(put[one].priority <= victim[1].priority for one in waiting)
            if chance.random() < 0.2:
                assert (queue.oldest() or number + 1) == min(set(put) - set(gone) - set(given), default=number + 1)
                given += [one for one, _ in queue.take(chance.randint(1, 10))]
        given += [one for one, _ in queue.take(1_000)]
        assert (sorted(put), sorted(given)) == (sorted(gone + given), given)
        assert 0 == len(queue)


def test_any_alert_has_a_share_property() -> None:
    queue = FairQueue(5)
    for number, (_, one) in enumerate(poison(), 1):
        assert hash(share_of(one)) is not None
        queue.put(number, one)
    assert 5 == len(queue)


def test_a_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        FairQueue(0)


def test_drops_are_counted_by_priority_and_rule_with_a_bounded_number_of_labels() -> None:
    metrics = Metrics()
    drops = DropCounter(metrics)
    for number in range(300):
        drops.count(an_alert(f"rule {number}"), "queue full")
    by_rule = {labels["rule"]: value for name, labels, value in metrics.collect() if name.endswith("by_rule_total")}
    assert (101, 1, 200) == (len(by_rule), by_rule["rule 0"], by_rule["(others)"])


def test_ranges_hold_what_was_dropped_and_nothing_else() -> None:
    numbers = DroppedNumbers()
    for one in (4, 2, 7, 3, 9):
        numbers.add(one, one, "full")
    numbers.add(10, 12, "full")
    numbers.add(1, 1, "other")
    assert [
        DroppedRange(2, 4, "full"), DroppedRange(7, 7, "full"), DroppedRange(9, 12, "full"), DroppedRange(1, 1, "other")
    ] == numbers.take()  # fmt: skip
    assert [] == numbers.take()
