"""Accounts when the ring buffer fills up: bpf/accounts.h, compiled for user space, beside a reader at a steady pace."""

import ctypes
from collections.abc import Sequence
from typing import Any, Final

import pytest

from tests.bpf.ring import COMMON, EXACT, OTHER_UID, READ, RECORD, RESERVED, RING, ROOT_UID, Outcome, Writer, outcome
from tests.support.kernel_machine import Machine, pointer

pytestmark = pytest.mark.live

QUIET: Final = (Writer("quiet", 100, 2), Writer("exact", 20, 3, share=EXACT), Writer("fork", 50, 4, share=RESERVED))
"""Other writers on the machine, of root."""


def flood(processes: int, rate: int, **more: Any) -> list[Writer]:
    """Return writers that make `rate` records a second together."""
    return [Writer("flood", rate // processes, 100 + number, **more) for number in range(processes)]


def of_users(number: int, **more: Any) -> list[Writer]:
    """Return a process of each of `number` users."""
    return [Writer("flood", 50_000, 100 + one, 1000 + one, **more) for one in range(number)]


FLOODS: Final[dict[str, Sequence[Writer]]] = {
    "one process": flood(1, 400_000, uid=OTHER_UID),
    "one process of the same user": flood(1, 400_000),
    "two processes": flood(2, 400_000, uid=OTHER_UID),
    "fifty processes": flood(50, 400_000, uid=OTHER_UID),
    "exact matches": flood(2, 400_000, uid=OTHER_UID, share=EXACT),
    "lifecycle events": flood(2, 400_000, uid=OTHER_UID, share=RESERVED),
    "a process that forks": [Writer("flood", 300_000, 100, OTHER_UID, forks_after=20)],
    "a process that forks after each": [Writer("flood", 300_000, 100, OTHER_UID, forks_after=1)],
    "ten users": of_users(10),
    "ten users, exact matches": of_users(10, share=EXACT),
    "ten users of one container": of_users(10, cgroup=77),
    "root of a container": [Writer("flood", 300_000, 100, ROOT_UID, 77, forks_after=20)],
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_flood_is_refused_and_the_others_lose_nothing(ring: ctypes.CDLL, name: str, seed: int) -> None:
    found = outcome(ring, *FLOODS[name], *QUIET, seed=seed)

    assert found["flood"].refused > found["flood"].written / 2
    assert found["flood"].full == 0
    assert {one.name: Outcome(3 * one.rate) for one in QUIET} == {one.name: found[one.name] for one in QUIET}


@pytest.mark.parametrize("uid", [ROOT_UID, OTHER_UID])
@pytest.mark.parametrize("load", [0.2, 0.6])
def test_500_busy_processes_lose_nothing_beside_one_that_floods_even_of_their_own_user(
    ring: ctypes.CDLL, uid: int, load: float
) -> None:
    """`load`: share of the reader's rate."""
    busy = [Writer("busy", int(READ * load / 500), 1000 + number, uid) for number in range(500)]

    found = outcome(ring, Writer("flood", 400_000, 100), *busy)

    assert (0, 0) == (found["busy"].refused, found["busy"].full)
    assert found["flood"].refused > 0


def test_a_flood_cannot_bury_exact_matches_of_its_own(ring: ctypes.CDLL) -> None:
    found = outcome(ring, *flood(1, 400_000, uid=OTHER_UID), Writer("own", 20, 100, OTHER_UID, share=EXACT))

    assert Outcome(60) == found["own"]


def test_what_the_reader_keeps_up_with_is_no_flood(ring: ctypes.CDLL) -> None:
    found = outcome(ring, Writer("make", 45_000, 100), Writer("kafka", 45_000, 101), *QUIET)

    assert [(0, 0)] * len(found) == [(one.refused, one.full) for one in found.values()]


def test_a_burst_into_half_of_the_ring_buffer_is_refused_nothing(ring: ctypes.CDLL) -> None:
    found = outcome(ring, Writer("burst", RING // 2 // RECORD * 1000, 100, OTHER_UID), milliseconds=1)

    assert Outcome(RING // 2 // RECORD) == found["burst"]


def test_who_shares_the_user_with_processes_that_flood_by_forking_pays_with_them(ring: ctypes.CDLL) -> None:
    """Checks the limit that docs/operate/sources.md states."""
    found = outcome(ring, *FLOODS["a process that forks"], Writer("same user", 1000, 2, OTHER_UID))

    assert found["same user"].refused > 0


@pytest.mark.parametrize(("share", "part"), [(COMMON, 0), (RESERVED, 1), (EXACT, 1)])
def test_accounts_tell_each_refused_record_once_and_of_which_part(ring: ctypes.CDLL, share: int, part: int) -> None:
    found = outcome(ring, *flood(1, 400_000, uid=OTHER_UID, share=share))

    assert found["flood"].refused > 0
    assert (found["flood"].refused, 0) == (ring.reported(part), ring.reported(1 - part))


def test_accounts_of_processes_that_may_write_are_looked_up_for_several_records_at_once(ring: ctypes.CDLL) -> None:
    """Holds whatever part of the ring buffer they use."""
    looked_up = []
    for share in (COMMON, RESERVED, EXACT):
        found = outcome(ring, *(Writer("busy", 6000, 1000 + one, share=share) for one in range(20)), milliseconds=1300)
        assert (found["busy"].refused, found["busy"].full) == (0, 0)
        looked_up.append(ring.looked_up())

    assert looked_up == [looked_up[0]] * 3
    assert 0 < looked_up[0] < found["busy"].written / 6  # 1 in 12 measured; 1 in 4 if a tab is never its own


def test_a_user_outside_of_containers_has_one_account_to_look_up_and_one_within_has_two(ring: ctypes.CDLL) -> None:
    looked_up = []
    for cgroup in (1, 77):
        writers = (Writer("busy", 6000, 1000 + one, 1000, cgroup) for one in range(20))
        assert outcome(ring, *writers, milliseconds=1300)["busy"].refused == 0
        looked_up.append(ring.looked_up())

    assert looked_up[0] < looked_up[1]


@pytest.mark.parametrize("processes", [1, 20, 100, 400])
def test_shares_of_the_two_parts_are_counted_alike(ring: ctypes.CDLL, processes: int) -> None:
    """Holds as long as the ring buffer has space for both."""
    found = []
    for share in (COMMON, RESERVED, EXACT):
        one = outcome(ring, *flood(processes, 160_000, uid=OTHER_UID, share=share), milliseconds=1500)["flood"]
        found.append((one, ring.looked_up()))

    assert found == [found[0]] * 3


def test_above_its_watermark_the_ring_buffer_is_not_asked_at_each_record(ring: ctypes.CDLL) -> None:
    flooding = outcome(ring, *flood(1, 400_000, uid=OTHER_UID))["flood"]

    assert flooding.refused > 0
    assert ring.asked() < (flooding.written + flooding.refused) / 10


@pytest.mark.parametrize("processes", [1, 100], ids=["with a tab", "that share tabs"])
def test_no_account_tells_of_more_records_than_there_were(ring: ctypes.CDLL, processes: int) -> None:
    written = outcome(ring, *flood(processes, 400_000, uid=OTHER_UID))["flood"].written

    assert written / 2 < ring.most_passed() <= written


def test_a_ring_buffer_that_is_nearly_empty_is_seldom_asked_how_full_it_is(ring: ctypes.CDLL) -> None:
    found = outcome(ring, Writer("make", 90_000, 100))

    assert found["make"].written == 270_000
    assert ring.asked() < 1000


@pytest.mark.parametrize(("cgroup", "expected"), [(0, 4242), (1, 4242), (2, 2), (77, 77)])
def test_the_container_of_a_task_in_the_root_of_version_2_is_that_of_its_memory_controller(
    machine: Machine, cgroup: int, expected: int
) -> None:
    """Covers cgroups of both versions."""
    kernel = machine.kernel
    group = kernel.new("cgroup", kn=kernel.new("kernfs_node", id=4242))
    groups = machine.of("task_struct", machine.task, "cgroups")
    machine.put("css_set", groups, memory=kernel.new("cgroup_subsys_state", cgroup=group))

    assert expected == machine.library.container(pointer(cgroup))
