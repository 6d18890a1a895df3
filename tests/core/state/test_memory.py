"""Memory sizes and limits that events of other calls carry along."""

import pytest

from mozu.core.model.syscalls import flag_table
from tests.core.state.story import Story, read

NOFILE = dict(flag_table("rlimit_resources"))["RLIMIT_NOFILE"]


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="a", ptid=1)
    story.settled()
    return story


def sizes(story: Story) -> tuple[int, int, int]:
    process = story.process(10)
    return process.vm_size, process.vm_rss, process.vm_swap


@pytest.mark.parametrize("kind", ["brk", "mmap", "munmap"])
def test_a_call_for_memory_tells_how_much_there_is(story: Story, kind: str) -> None:
    event = story.event(kind, 10, res=0, vm_size=900, vm_rss=70, vm_swap=5)

    assert (900, 70, 5) == sizes(story)
    assert (900, 70) == (read(event, "proc.vmsize"), read(event, "proc.vmrss"))


def test_the_event_before_still_sees_what_there_was(story: Story) -> None:
    story.event("brk", 10, res=0, vm_size=900, vm_rss=70, vm_swap=5)
    before = story.write(10, 1)
    story.event("brk", 10, res=0, vm_size=901, vm_rss=70, vm_swap=5)

    assert (900, 901) == (read(before, "proc.vmsize"), story.process(10).vm_size)


def test_sizes_that_are_as_before_make_no_version(story: Story) -> None:
    story.event("brk", 10, res=0, vm_size=900, vm_rss=70, vm_swap=5)
    known = story.process(10)
    story.event("brk", 10, res=0, vm_size=900, vm_rss=70, vm_swap=5)

    assert known is story.process(10)


def test_a_call_that_tells_no_sizes_leaves_them(story: Story) -> None:
    story.event("brk", 10, res=0, vm_size=900, vm_rss=70, vm_swap=5)
    story.event("brk", 10, res=0)

    assert (900, 70, 5) == sizes(story)


def test_a_size_that_alone_is_missing_stays(story: Story) -> None:
    story.event("brk", 10, res=0, vm_size=900, vm_rss=70, vm_swap=5)
    story.event("brk", 10, res=0, vm_rss=71, vm_swap=6)

    assert (900, 71, 6) == sizes(story)


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("getrlimit", {"res": 0, "cur": 512, "resource": NOFILE}, 512),
        ("setrlimit", {"res": 0, "cur": 512, "resource": NOFILE}, 512),
        ("setrlimit", {"res": -1, "cur": 512, "resource": NOFILE}, 64),
        ("setrlimit", {"res": 0, "cur": -1, "resource": NOFILE}, 64),
        ("setrlimit", {"res": 0, "cur": 512, "resource": NOFILE + 1}, 64),
        ("prlimit", {"res": 0, "newcur": 512, "pid": 0, "resource": NOFILE}, 512),
        ("prlimit", {"res": 0, "newcur": 512, "pid": 20, "resource": NOFILE}, 64),
        ("prlimit", {"res": 0, "newcur": 512, "pid": 99, "resource": NOFILE}, 64),
        ("prlimit", {"res": -1, "newcur": 512, "pid": 0, "resource": NOFILE}, 64),
    ],
)
def test_the_limit_of_descriptors_is_what_a_call_that_succeeds_says(
    kind: str, params: dict[str, int], expected: int
) -> None:
    story = Story()
    for tid in (10, 20):
        story.has(tid, fdlimit=64)
    story.settled()

    event = story.event(kind, 10, **params)

    assert expected == story.process(10).fdlimit == read(event, "proc.fdlimit")
    assert (512 if params.get("pid") == 20 else 64) == story.process(20).fdlimit


@pytest.fixture
def pair() -> Story:
    """Return a live process (10) with a thread (11) that is counted, and another process (20)."""
    story = Story(live=True)
    story.has(10, vm_size=9, vm_rss=8, vm_swap=7, pfmajor=6, pfminor=5, fdlimit=4)
    story.has(20, fdlimit=4)
    return story


SIZES = ("vm_size", "vm_rss", "vm_swap", "pfmajor", "pfminor")


@pytest.mark.parametrize(
    ("tid", "params", "kept", "seen"),
    [
        (10, {"vm_size": 3, "vm_rss": 2, "vm_swap": 1}, (3, 2, 1, 0, 0), (3, 2, 1, 0, 0)),
        (10, {"vm_size": 3, "vm_swap": 0, "pgft_maj": 4, "pgft_min": 3}, (3, 0, 0, 4, 3), (3, 0, 0, 4, 3)),
        (10, {"vm_size": 3, "vm_rss": 2, "pgft_maj": 4}, (9, 8, 7, 6, 5), (9, 8, 7, 6, 5)),
        (10, {"vm_swap": 1, "pgft_maj": 4, "pgft_min": 3}, (9, 8, 7, 4, 3), (9, 8, 7, 4, 3)),
        (11, {"vm_size": 3, "vm_rss": 2, "vm_swap": 1, "pgft_maj": 4}, (3, 2, 1, 6, 5), (3, 2, 1, 4, 0)),
    ],
    ids=["all sizes", "some", "without swap", "a task that has no memory any more", "a thread"],
)
def test_live_a_switch_reports_the_memory_of_a_process_and_the_faults_of_a_thread(
    pair: Story, tid: int, params: dict[str, int], kept: tuple[int, ...], seen: tuple[int, ...]
) -> None:
    event = pair.event("switch", tid, of=10, next=1, **params)
    assert event.process is not None
    both = pair.process(10), event.process
    assert (kept, seen) == tuple(tuple(getattr(one, name) for name in SIZES) for one in both)


def test_recorded_a_switch_to_no_memory_empties_it_and_one_of_an_unknown_task_is_nothing() -> None:
    story = Story()
    story.has(10, vm_size=9, vm_rss=8, vm_swap=7)
    story.settled()
    story.event("switch", 10, vm_swap=0)
    story.event("switch", 77, vm_size=1, vm_swap=0)
    assert (0, 0, 0) == tuple(getattr(story.process(10), name) for name in SIZES[:3])
    assert story.machine.process(77) is None


@pytest.mark.parametrize("params", [{"newcur": 0}, {"newcur": None}, {"res": 1}, {"pid": None}], ids=str)
def test_a_limit_of_0_is_one_and_no_limit_is_none(pair: Story, params: dict[str, int | None]) -> None:
    event = pair.event("prlimit", 10, of=10, **{"res": 0, "newcur": 64, "pid": 0, "resource": NOFILE, **params})
    assert (0 if params == {"newcur": 0} else 4) == pair.process(10).fdlimit
    assert event.process is pair.process(10)


def test_a_limit_of_a_task_that_is_not_known_is_not_kept() -> None:
    story = Story()
    story.has(10, fdlimit=4)
    story.settled()
    story.write(77, 0)
    before = story.process(77).fdlimit
    story.event("prlimit", 10, res=0, newcur=64, pid=77, resource=NOFILE)
    assert before == story.process(77).fdlimit


def test_a_task_with_the_number_0_has_limits_as_others_have() -> None:
    story = Story()
    story.has(0, name="swapper", fdlimit=4)
    story.settled()
    story.event("prlimit", 0, res=0, newcur=64, pid=0, resource=NOFILE)
    assert 64 == story.process(0).fdlimit
