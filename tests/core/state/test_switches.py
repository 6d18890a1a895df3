"""The effects of a switch of a live machine on the state, and effects that it must not have."""

from mozu.core.model.event import SyscallEvent
from tests.core.state.story import Story, made


def _switch(story: Story, tid: int, pid: int, **params: int) -> SyscallEvent:
    numbers = {"next": 1, "pgft_maj": 3, "pgft_min": 40, "vm_size": 900, "vm_rss": 700, "vm_swap": 5}
    (event,) = story.machine.apply([made("switch", tid, of=pid, **{**numbers, **params})])
    assert isinstance(event, SyscallEvent)
    return event


def test_it_brings_faults_and_sizes() -> None:
    story = Story(live=True)
    story.has(10)

    _switch(story, 10, 10)

    process = story.process(10)
    assert (process.pfmajor, process.pfminor) == (3, 40)
    assert (process.vm_size, process.vm_rss, process.vm_swap) == (900, 700, 5)


def test_faults_of_a_thread_are_its_own_and_sizes_those_of_the_process() -> None:
    story = Story(live=True)
    story.has(10)
    _switch(story, 10, 10)

    event = _switch(story, 11, 10, pgft_maj=0, pgft_min=2, vm_size=1000)

    assert event.process is not None
    assert (event.process.tid, event.process.pid, event.process.pfminor, event.process.vm_size) == (11, 10, 2, 1000)
    assert (story.process(10).pfminor, story.process(10).vm_size) == (40, 1000)


def test_a_thread_that_is_ending_takes_no_memory_from_its_process() -> None:
    story = Story(live=True)
    story.has(10)
    _switch(story, 10, 10)

    _switch(story, 11, 10, vm_size=0, vm_rss=0, vm_swap=0)

    assert (story.process(10).vm_size, story.process(10).vm_rss, story.process(10).vm_swap) == (900, 700, 5)


def test_the_last_one_of_a_task_comes_after_its_end_and_brings_nobody_back() -> None:
    story = Story(live=True)
    story.has(10)
    story.machine.apply([made("procexit", 10, of=10, status=0)])

    event = _switch(story, 10, 10)

    assert event.process is None
    assert story.machine.processes() == []


def test_the_idle_task_is_no_process() -> None:
    story = Story(live=True)

    assert _switch(story, 0, 0).process is None
    assert story.machine.processes() == []
