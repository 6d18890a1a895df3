import pytest

from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import Entered, KnownFile, KnownProcess, ProcSnapshot, Restored, Seeded
from mozu.core.state.transitions import seeds
from tests.core.state.story import AT_FDCWD, Story, made, read

LAN, PEER = b"\xc0\x00\x02\x07", b"\xc0\x00\x02\x09"
MASK = b"\xff\xff\xff\0"


@pytest.fixture
def story() -> Story:
    """Return a recorded machine with an interface, and a process with a datagram socket."""
    story = Story()
    story.has(10, name="a", ptid=77)
    story.settled(Seeded((LAN,), (MASK,), boot_time=5))
    return story


def source_of_what_is_sent(story: Story) -> str:
    """Return the source address that the state filled in."""
    story.event("socket", 10, fd=3, domain=2, type=2, proto=0, flags=0)
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(2, b"\0\0\0\0", 40, PEER, 53))
    return str(read(event, "fd.name")).partition(":")[0]


def namespace_of_a_child(story: Story) -> int:
    """Return the time at which the child's pid namespace began, which is the machine's."""
    story.clone(10, 20)
    return story.process(20).pidns_start


@pytest.mark.parametrize("tid", [-1, 0])
def test_a_seed_has_a_number(tid: int) -> None:
    machine = StateMachine(procfs=None)
    machine.apply([SyscallEvent("syscall", "_process", 0, tid=tid, pid=tid, observed=KnownProcess(name="x"))])
    assert (tid == 0) == (machine.process(tid) is not None)


def test_a_descriptor_has_a_number_and_an_owner(story: Story) -> None:
    for tid, fd in ((10, 0), (10, -1), (77, 3)):
        story.has_file(tid, fd, File("file", "/x"))
    assert [0] == [*story.process(10).files]


def test_the_end_of_the_seeds_says_what_the_machine_is(story: Story) -> None:
    assert ("192.0.2.7", 5) == (source_of_what_is_sent(story), namespace_of_a_child(story))


@pytest.mark.parametrize(
    ("settled", "expected"),
    [(None, ("192.0.2.7", 5)), (Seeded(), ("0.0.0.0", 5)), (Seeded((PEER,), (MASK,), 6), ("192.0.2.9", 6))],
    ids=["nothing", "no interfaces and no start", "another machine"],
)
def test_a_second_end_of_the_seeds_replaces_what_it_says(
    story: Story, settled: Seeded | None, expected: tuple[str, int]
) -> None:
    story.settled(settled)
    assert expected == (source_of_what_is_sent(story), namespace_of_a_child(story))


def test_another_recording_knows_nothing_of_the_one_before(story: Story) -> None:
    story.clone(10, 20)
    story.exit(20)
    story.event("_enter", 10, observed=Entered("openat", (AT_FDCWD, "/asked", 0)))
    story.event("_reset", 0)
    assert 0 == story.machine.sizes()["tasks"]
    story.has(10, name="a", ptid=1)
    assert "/seen" == read(story.open(10, "/seen", 3), "fd.name")
    assert ("0.0.0.0", 0) == (source_of_what_is_sent(story), namespace_of_a_child(story))
    assert story.machine.process(20) is not None


def test_a_child_that_waits_for_its_parent_does_not_wait_in_another_recording() -> None:
    story = Story()
    story.has(10, name="a", ptid=77)
    story.event("_reset", 0)
    story.has(77, name="b", ptid=0)
    assert story.machine.process(10) is None
    assert set() == story.process(77).task.children  # type: ignore[attr-defined]  # nodes of the state have them


def test_of_answers_of_proc_as_many_tasks_are_kept_as_the_limit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "_ANSWERS_LIMIT", 2)
    machine = StateMachine(procfs=None)
    machine.apply([SyscallEvent("syscall", "_state", 0, observed=Restored(live=True, number=0))])
    for tid in (11, 12, 13):
        said = ProcSnapshot(tid, tid, KnownProcess(name=f"of {tid}"))
        machine.apply([SyscallEvent("syscall", "_looked", 0, observed=said)])
    events = [made("write", tid, of=tid, res=1, fd=3) for tid in (11, 12, 13)]
    machine.apply(events)
    assert ["of 11", "of 12", ""] == [event.process.name for event in events if event.process is not None]


def test_descriptors_of_a_saved_live_machine_are_what_they_were() -> None:
    """Check that a recording's listening socket has a port and no address, as in Falco."""
    names = []
    for live in (True, False):
        machine = StateMachine(procfs=None)
        machine.apply([SyscallEvent("syscall", "_state", 0, observed=Restored(live=live, number=0))])
        listening = File("ipv4", sock=SockTuple(2, dest=b"\0\0\0\0", dport=80), role="listening")
        machine.apply([
            SyscallEvent("syscall", "_process", 0, tid=10, pid=10, observed=KnownProcess(name="x")),
            SyscallEvent("syscall", "_file", 0, tid=10, observed=KnownFile(3, listening)),
        ])  # fmt: skip
        process = machine.process(10)
        assert process is not None
        sock = process.files[3].sock
        assert sock is not None
        names.append(sock.dest)
    assert [b"\0\0\0\0", b""] == names
