"""Who pays when the ring buffer fills up: bpf/accounts.h, compiled for user space, beside a reader of a steady pace."""

import ctypes
import subprocess
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pytest

from tests.support.requirements import ROOT, program
from tests.support.split import needs_live

pytestmark = pytest.mark.live

RING: Final = 8 << 20
RECORD: Final = 192
READ: Final = 100_000
"""Records a second that the reader takes, 300 at a time."""
ROOT_UID, NOBODY = 0, 65534
COMMON, RESERVED, EXACT = 0, 1, 2


class Writer(NamedTuple):
    """Records of one process, or of one that is another each so many records."""

    name: str
    rate: int
    """A second."""
    pid: int
    uid: int = ROOT_UID
    cgroup: int = 1
    share: int = COMMON
    forks_after: int = 0


class _Writer(ctypes.Structure):
    """struct writer."""

    _fields_ = (
        ("cgroup", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("rate", "pid", "uid", "share", "forks_after")),
        *((name, ctypes.c_uint32) for name in ("written", "refused", "full")),
    )


class Outcome(NamedTuple):
    """What became of records."""

    written: int = 0
    refused: int = 0
    full: int = 0


@pytest.fixture(scope="module")
@needs_live
def model(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    target = tmp_path_factory.mktemp("ring") / "model.so"
    source = ROOT / "tests/support/ring_model.c"
    options = ("-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-unknown-pragmas", f"-I{ROOT / 'bpf'}")
    subprocess.run([program("gcc"), *options, "-o", target, source], check=True)
    return ctypes.CDLL(str(target))


def outcome(model: ctypes.CDLL, *writers: Writer, milliseconds: int = 3000, seed: int = 1) -> dict[str, Outcome]:
    """By the names of the writers."""
    array = (_Writer * len(writers))(
        *(_Writer(one.cgroup, one.rate, one.pid, one.uid, one.share, one.forks_after) for one in writers)
    )
    ring, numbers = ctypes.c_uint64(RING), ctypes.c_uint64(seed)
    model.run(array, len(writers), ring, numbers, milliseconds, READ)
    found = dict.fromkeys((one.name for one in writers), Outcome())
    for writer, one in zip(writers, array, strict=True):
        counts = zip(found[writer.name], (one.written, one.refused, one.full), strict=True)
        found[writer.name] = Outcome(*map(sum, counts))
    return found


QUIET: Final = (Writer("quiet", 100, 2), Writer("exact", 20, 3, share=EXACT), Writer("fork", 50, 4, share=RESERVED))
"""Others on the machine, of root."""


def flood(processes: int, rate: int, **more: Any) -> list[Writer]:
    """So many records a second by all of them together."""
    return [Writer("flood", rate // processes, 100 + number, **more) for number in range(processes)]


def of_users(number: int, **more: Any) -> list[Writer]:
    """A process of each."""
    return [Writer("flood", 50_000, 100 + one, 1000 + one, **more) for one in range(number)]


FLOODS: Final[dict[str, Sequence[Writer]]] = {
    "one process": flood(1, 400_000, uid=NOBODY),
    "one process of the same user": flood(1, 400_000),
    "two processes": flood(2, 400_000, uid=NOBODY),
    "fifty processes": flood(50, 400_000, uid=NOBODY),
    "exact matches": flood(2, 400_000, uid=NOBODY, share=EXACT),
    "lifecycle events": flood(2, 400_000, uid=NOBODY, share=RESERVED),
    "a process that forks": [Writer("flood", 300_000, 100, NOBODY, forks_after=20)],
    "a process that forks after each": [Writer("flood", 300_000, 100, NOBODY, forks_after=1)],
    "ten users": of_users(10),
    "ten users, exact matches": of_users(10, share=EXACT),
    "ten users of one container": of_users(10, cgroup=77),
    "root of a container": [Writer("flood", 300_000, 100, ROOT_UID, 77, forks_after=20)],
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_flood_is_refused_and_the_others_lose_nothing(model: ctypes.CDLL, name: str, seed: int) -> None:
    found = outcome(model, *FLOODS[name], *QUIET, seed=seed)

    assert found["flood"].refused > found["flood"].written / 2
    assert found["flood"].full == 0
    assert {one.name: Outcome(3 * one.rate) for one in QUIET} == {one.name: found[one.name] for one in QUIET}


@pytest.mark.parametrize("uid", [ROOT_UID, NOBODY])
@pytest.mark.parametrize("load", [0.2, 0.6])
def test_500_busy_processes_lose_nothing_beside_one_that_floods_even_of_their_own_user(
    model: ctypes.CDLL, uid: int, load: float
) -> None:
    """`load`: of what the reader can take."""
    busy = [Writer("busy", int(READ * load / 500), 1000 + number, uid) for number in range(500)]

    found = outcome(model, Writer("flood", 400_000, 100), *busy)

    assert (0, 0) == (found["busy"].refused, found["busy"].full)
    assert found["flood"].refused > 0


def test_a_flood_cannot_bury_exact_matches_of_its_own(model: ctypes.CDLL) -> None:
    found = outcome(model, *flood(1, 400_000, uid=NOBODY), Writer("own", 20, 100, NOBODY, share=EXACT))

    assert Outcome(60) == found["own"]


def test_what_the_reader_keeps_up_with_is_no_flood(model: ctypes.CDLL) -> None:
    found = outcome(model, Writer("make", 45_000, 100), Writer("kafka", 45_000, 101), *QUIET)

    assert [(0, 0)] * len(found) == [(one.refused, one.full) for one in found.values()]


def test_a_burst_into_half_of_the_ring_buffer_is_refused_nothing(model: ctypes.CDLL) -> None:
    found = outcome(model, Writer("burst", RING // 2 // RECORD * 1000, 100, NOBODY), milliseconds=1)

    assert Outcome(RING // 2 // RECORD) == found["burst"]


def test_who_shares_the_user_with_processes_that_flood_by_forking_pays_with_them(model: ctypes.CDLL) -> None:
    """The limit that docs/sources.md states."""
    found = outcome(model, *FLOODS["a process that forks"], Writer("same user", 1000, 2, NOBODY))

    assert found["same user"].refused > 0


@pytest.mark.parametrize(("share", "part"), [(COMMON, 0), (RESERVED, 1), (EXACT, 1)])
def test_accounts_tell_each_refused_record_once_and_of_which_part(model: ctypes.CDLL, share: int, part: int) -> None:
    found = outcome(model, *flood(1, 400_000, uid=NOBODY, share=share))

    assert found["flood"].refused > 0
    assert (found["flood"].refused, 0) == (model.told(part), model.told(1 - part))


def test_accounts_of_processes_that_may_write_are_looked_up_for_several_records_at_once(model: ctypes.CDLL) -> None:
    """Whatever part of the ring buffer they use."""
    looked_up = []
    for share in (COMMON, RESERVED, EXACT):
        found = outcome(model, *(Writer("busy", 6000, 1000 + one, share=share) for one in range(20)), milliseconds=1300)
        assert (found["busy"].refused, found["busy"].full) == (0, 0)
        looked_up.append(model.looked_up())

    assert looked_up == [looked_up[0]] * 3
    assert 0 < looked_up[0] < found["busy"].written / 6  # 1 in 12 measured; 1 in 4 where a tab is never its own


def test_a_user_outside_of_containers_has_one_account_to_look_up_and_one_within_has_two(model: ctypes.CDLL) -> None:
    looked_up = []
    for cgroup in (1, 77):
        writers = (Writer("busy", 6000, 1000 + one, 1000, cgroup) for one in range(20))
        assert outcome(model, *writers, milliseconds=1300)["busy"].refused == 0
        looked_up.append(model.looked_up())

    assert looked_up[0] < looked_up[1]


@pytest.mark.parametrize("processes", [1, 20, 100, 400])
def test_shares_of_the_two_parts_are_counted_alike(model: ctypes.CDLL, processes: int) -> None:
    """As long as the ring buffer has room for both."""
    found = []
    for share in (COMMON, RESERVED, EXACT):
        one = outcome(model, *flood(processes, 160_000, uid=NOBODY, share=share), milliseconds=1500)["flood"]
        found.append((one, model.looked_up()))

    assert found == [found[0]] * 3


def test_above_its_watermark_the_ring_buffer_is_not_asked_at_each_record(model: ctypes.CDLL) -> None:
    flooding = outcome(model, *flood(1, 400_000, uid=NOBODY))["flood"]

    assert flooding.refused > 0
    assert model.asked() < (flooding.written + flooding.refused) / 10


@pytest.mark.parametrize("processes", [1, 100], ids=["with a tab", "that share tabs"])
def test_no_account_tells_of_more_records_than_there_were(model: ctypes.CDLL, processes: int) -> None:
    written = outcome(model, *flood(processes, 400_000, uid=NOBODY))["flood"].written

    assert written / 2 < model.most_passed() <= written


def test_a_ring_buffer_that_is_nearly_empty_is_seldom_asked_how_full_it_is(model: ctypes.CDLL) -> None:
    found = outcome(model, Writer("make", 90_000, 100))

    assert found["make"].written == 270_000
    assert model.asked() < 1000
