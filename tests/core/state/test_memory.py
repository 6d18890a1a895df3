"""Sizes of memory and limits, which events of other calls carry along."""

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
