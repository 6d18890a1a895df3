"""The alert that a full queue drops: by priority, then fairly by rule, then by process."""

import random
from collections import Counter
from collections.abc import Mapping

import msgspec
import pytest

from mozu.core.delivery.fair_queue import NOTICE_RESERVE, FairQueue
from mozu.core.delivery.packed_alert import PackedAlert, unpack
from mozu.core.model.alert import Severity
from mozu.core.testing import alert
from tests.support.packing import packed


def an_alert(
    rule: str, priority: Severity = Severity.WARNING, pid: int = 1, values: Mapping[str, str | int] | None = None
) -> PackedAlert:
    """Return an alert of a constant size: numbers above 65,535 take five bytes."""
    made = alert(rule)
    return packed(
        msgspec.structs.replace(made, priority=priority, enrichment={"proc.pid": pid + (1 << 20), **(values or {})})
    )


def a_large_one(size: int) -> PackedAlert:
    made = alert("large", **{"proc.name": "x" * size})
    return packed(msgspec.structs.replace(made, priority=Severity.CRITICAL))


def pid_of(one: PackedAlert) -> int:
    pid = unpack(one).enrichment["proc.pid"]
    assert isinstance(pid, int)
    return pid - (1 << 20)


SIZE = an_alert("a").size


def queue_of(count: int) -> FairQueue:
    """Return a queue that is full with `count` alerts."""
    return FairQueue(count * SIZE)


def fill(queue: FairQueue, *alerts: PackedAlert, first: int = 1) -> list[int]:
    """Put the alerts; return the numbers that were dropped."""
    return [dropped for number, one in enumerate(alerts, first) for dropped, _ in queue.put(number, one)]


def rules(queue: FairQueue) -> list[str]:
    return [one.form.rule for _, one in queue.take(1_000)]


def test_below_its_capacity_it_drops_nothing_and_keeps_the_order() -> None:
    queue = queue_of(3)
    assert ([], ["a", "b", "c"]) == (fill(queue, *map(an_alert, "abc")), rules(queue))


def test_the_least_severe_makes_room_whatever_is_newest() -> None:
    queue = queue_of(3)
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
    queue = queue_of(2)
    dropped = fill(queue, *(an_alert("worst", Severity.EMERGENCY) for _ in range(2)), an_alert("d", Severity.DEBUG))
    assert ([3], ["worst", "worst"]) == (dropped, rules(queue))


def test_a_noisy_rule_hides_no_other_of_its_priority() -> None:
    queue = queue_of(10)
    noisy = [an_alert("noisy", Severity.CRITICAL, pid) for pid in range(1_000)]
    dropped = fill(queue, *noisy, *(an_alert(f"rare {number}", Severity.CRITICAL) for number in range(4)))
    kept = Counter(rules(queue))
    assert (6, [1, 1, 1, 1], 994) == (kept.pop("noisy"), list(kept.values()), len(dropped))


def test_a_noisy_process_hides_no_other_of_its_rule() -> None:
    queue = queue_of(10)
    fill(queue, *(an_alert("rule") for _ in range(1_000)), *(an_alert("rule", pid=pid) for pid in (7, 8, 9)))
    kept = Counter(pid_of(one) for _, one in queue.take(100))
    assert {1: 7, 7: 1, 8: 1, 9: 1} == kept


def test_a_container_is_one_however_many_processes_it_makes() -> None:
    many = [an_alert("rule", pid=pid, values={"container.id": "abc"}) for pid in range(1_000)]
    queue = queue_of(10)
    fill(queue, *many, an_alert("rule", pid=5_000))
    assert 5_000 in [pid_of(one) for _, one in queue.take(100)]


def test_a_user_outside_of_containers_is_one_however_many_processes_it_makes() -> None:
    user: dict[str, str | int] = {"user.uid": 65534, "container.id": "host"}
    many = [an_alert("rule", pid=pid, values=user) for pid in range(1_000)]
    queue = queue_of(10)
    fill(queue, *many, an_alert("rule", pid=5_000))
    assert 5_000 in [pid_of(one) for _, one in queue.take(100)]


def test_of_a_noisy_process_the_first_stay() -> None:
    queue = queue_of(3)
    assert [4, 5, 6] == fill(queue, *(an_alert("rule") for _ in range(6)))
    assert [1, 2, 3] == [number for number, _ in queue.take(10)]


def test_notices_have_room_of_their_own_and_are_no_victims() -> None:
    queue = queue_of(1)
    notice = packed(msgspec.structs.replace(alert("Events lost"), priority=Severity.DEBUG, source="internal"))
    assert [1] == fill(queue, an_alert("debug", Severity.DEBUG), notice, an_alert("worst", Severity.EMERGENCY))
    assert ["Events lost", "worst"] == rules(queue)
    most = (NOTICE_RESERVE + SIZE) // notice.size
    assert [most + 1] == fill(queue_of(1), *[notice] * (most + 1))


def test_notices_fill_their_reserve_and_the_capacity_to_the_last_byte() -> None:
    notice = packed(msgspec.structs.replace(alert("Events lost"), source="internal"))
    fitting = NOTICE_RESERVE // notice.size + 1
    queue = FairQueue(fitting * notice.size - NOTICE_RESERVE)
    assert [fitting + 1] == fill(queue, *[notice] * (fitting + 1))


def test_notices_beyond_their_reserve_take_the_room_of_alerts_and_displace_none() -> None:
    queue = queue_of(100)
    notice = packed(msgspec.structs.replace(alert("Events lost"), source="internal"))
    fill(queue, *[an_alert("a")] * 50, *[notice] * ((NOTICE_RESERVE + 40 * SIZE) // notice.size))
    assert 40 == len(fill(queue, *[an_alert("b")] * 50, first=100_000))


def test_a_large_alert_takes_the_room_of_several_that_are_less_severe() -> None:
    queue = queue_of(10)
    large = a_large_one(3 * SIZE)
    dropped = fill(queue, *[an_alert("noise")] * 10, large)
    assert (4, 7, "large") == (len(dropped), len(queue), rules(queue)[-1])


def test_an_alert_that_is_larger_than_the_queue_is_taken_where_it_is_alone() -> None:
    queue = queue_of(2)
    large = a_large_one(9 * SIZE)
    assert [] == fill(queue, large)
    assert [2] == fill(queue, an_alert("a"), first=2)
    assert ["large"] == rules(queue)


def test_a_smaller_capacity_drops_for_what_comes_and_nothing_at_once() -> None:
    queue = queue_of(4)
    fill(queue, *map(an_alert, "aabc"))
    queue.resize(2 * SIZE)
    assert 4 == len(queue)
    assert [5] == fill(queue, an_alert("a"), first=5)
    assert [2, 1, 4] == fill(queue, an_alert("d", Severity.ALERT), first=6)


def test_when_it_is_full_every_alert_is_in_the_index_however_large_those_that_came_last_are() -> None:
    queue = queue_of(1_000)
    fill(queue, *[an_alert("small", Severity.DEBUG)] * 740)
    large = [a_large_one(50 * SIZE) for _ in range(10)]
    dropped = fill(queue, *large, first=1_001)
    assert dropped
    assert max(dropped) <= 740


def test_the_index_is_complete_before_the_first_alert_is_dropped() -> None:
    """Check that the index grows with each new alert: none waits until all are indexed."""
    queue = queue_of(100)
    fill(queue, *[an_alert("a")] * 75)
    assert (75, None) == (len(queue._older), queue._index)
    fill(queue, an_alert("a"), first=76)
    assert (71, 5) == (len(queue._older), len(queue._newer)), "itself and four older ones"
    fill(queue, *[an_alert("a")] * 23, first=77)
    assert (0, 99) == (len(queue._older), len(queue._newer))


def test_half_empty_it_is_a_plain_queue_again() -> None:
    queue = queue_of(4)
    fill(queue, *(an_alert("rule") for _ in range(9)))
    found = [([number for number, _ in queue.take(1)], queue._index is None, len(queue)) for _ in range(2)]
    assert [([1], False, 3), ([2], True, 2)] == found
    assert ([], [3, 4, 10, 11]) == (
        fill(queue, an_alert("a"), an_alert("b"), first=10),
        [number for number, _ in queue.take(9)],
    )


def test_the_memory_of_a_queue_under_pressure_is_bounded() -> None:
    queue = queue_of(100)
    number = 0
    for priority in sorted(Severity, reverse=True):
        fill(queue, *(an_alert(f"{priority} {one}", priority) for one in range(1_000)), first=number + 1)
        number += 1_000
    assert (100, True) == (len(queue), len(queue._older) + len(queue._newer) <= 100 + 1_100 // 8)


def test_places_of_dropped_alerts_are_not_removed_for_each_one() -> None:
    """Check that removals are rare: each takes time proportional to the length of the queue."""
    queue = queue_of(100)
    fill(queue, *(an_alert("a", priority) for priority in (Severity.DEBUG, Severity.ALERT) for _ in range(100)))
    assert (100, 200) == (len(queue), len(queue._newer))


def test_nothing_is_lost_or_given_twice_and_the_worst_are_kept_property() -> None:
    chance = random.Random(5)
    for _ in range(200):
        queue, put, gone, given = queue_of(chance.randint(1, 20)), dict[int, PackedAlert](), list[int](), list[int]()
        for number in range(1, chance.randint(2, 200)):
            put[number] = an_alert(chance.choice("abcd"), chance.choice(list(Severity)), chance.randint(1, 3))
            for victim, dropped in queue.put(number, put[number]):
                gone.append(victim)
                assert dropped is put[victim]
                waiting = set(put) - set(gone) - set(given)
                assert all(put[one].form.priority <= dropped.form.priority for one in waiting)
            if chance.random() < 0.2:
                assert (queue.oldest() or number + 1) == min(set(put) - set(gone) - set(given), default=number + 1)
                given += [one for one, _ in queue.take(chance.randint(1, 10))]
        given += [one for one, _ in queue.take(1_000)]
        assert (sorted(put), sorted(given)) == (sorted(gone + given), given)
        assert (0, 0) == (len(queue), queue.bytes)


def test_a_capacity_of_nothing_is_refused_and_one_of_a_byte_is_not() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        queue_of(0)
    assert [] == fill(FairQueue(1), an_alert("a"))
