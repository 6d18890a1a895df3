"""The fair share: under pressure the heaviest users of the capacity are refused first."""

from collections import Counter
from collections.abc import Sequence

from mozu.core.flow.fair_share import FairShare
from mozu.core.model.event import Container, DataEvent, Event, Process, SyscallEvent, Task


def events_of(pid: int, number: int, *, uid: int = 1000, container: str = "") -> list[Event]:
    place = Container(container, "docker") if container else None
    process = Process(Task(pid), pid, pid, uid=uid, container=place)
    return [SyscallEvent("syscall", "openat", 0, tid=pid, pid=pid, process=process) for _ in range(number)]


def admitted(share: FairShare, *batches: Sequence[Event]) -> Counter[int]:
    """Return the number of admitted events by process."""
    return Counter(event.pid for batch in batches for event in share.admit(batch) if isinstance(event, SyscallEvent))


def flood(share: FairShare, events: Sequence[Event]) -> int:
    return sum(len(share.admit(events[at : at + 10])) for at in range(0, len(events), 10))


def test_one_that_floods_leaves_a_part_of_the_room_to_others() -> None:
    share = FairShare(1000)
    assert 500 == flood(share, events_of(1, 5000)), "half of the room: as much as is left"
    assert {2: 100, 3: 100} == admitted(share, events_of(2, 100), events_of(3, 100, uid=0))


def test_one_that_forks_is_stopped_by_its_user_s_account_and_then_by_its_container_s() -> None:
    share = FairShare(1000)
    by_user = sum(flood(share, events_of(pid, 10, uid=7)) for pid in range(1, 1000))
    assert 660 <= by_user <= 680, "two thirds: twice as much as is left"
    assert {5000: 20} == admitted(share, events_of(5000, 20, uid=8))
    share = FairShare(1000)
    by_container = sum(flood(share, events_of(pid, 10, uid=pid, container="a" * 64)) for pid in range(1, 1000))
    assert 790 <= by_container <= 810, "four fifths: four times as much as is left"
    assert {5000: 20} == admitted(share, events_of(5000, 20, uid=8, container="b" * 64))


def test_root_is_an_account_for_each_container() -> None:
    share = FairShare(1000)
    assert flood(share, [event for pid in range(1, 1000) for event in events_of(pid, 10, uid=0)]) < 700
    assert {5000: 20} == admitted(share, events_of(5000, 20, uid=0, container="b" * 64))


def test_what_waits_no_longer_makes_room() -> None:
    share = FairShare(1000)
    first = events_of(1, 500)
    assert 500 == len(share.admit(first))
    assert not share.admit(events_of(1, 100))
    share.release(first)
    assert not share._held, "accounts of those who have gone take no memory"
    again = events_of(1, 400)
    assert again == share.admit(again)
    share.release(again[:300])
    assert 400 == flood(share, events_of(1, 5000)), "half of the room again, with the hundred that wait"


def test_a_batch_that_meets_no_other_is_admitted_and_events_without_a_process_use_all_of_the_room() -> None:
    share = FairShare(10)
    assert 50 == len(share.admit(events_of(1, 50)))
    assert not share.admit(events_of(2, 1)), "there is no room"
    share = FairShare(10)
    data = [DataEvent("json", "a", 0)]
    assert 10 == sum(len(share.admit(data)) for _ in range(20))
