import pytest

from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.state.observed import Descriptor
from mozu.core.state.transitions.use import named
from tests.core.state.story import Story, made

ME, PEER = b"\x0a\0\0\1", b"\x0a\0\0\2"
CONNECTION = SockTuple(2, ME, 40000, PEER, 443)
BACK = SockTuple(2, PEER, 443, ME, 40000)
OPENED = File("file", "/srv/a", "a", ino=7, dev=5)
PIPE = File("pipe", "pipe:[7]", ino=7, dev=5)
LISTENING = File("ipv4", "0.0.0.0:80", sock=SockTuple(2, dest=b"\0\0\0\0", dport=80), role="listening")
CLIENT = File("ipv4", "kept", sock=CONNECTION, protocol="tcp", role="client")


@pytest.fixture
def story() -> Story:
    """Return a live machine."""
    story = Story(live=True)
    story.has(10)
    return story


def used(story: Story, known: File | None, reported: File) -> File:
    """Return the object of the descriptor that a call without effects on it shows."""
    # a seed infers the object of a socket; here the state has exactly this file
    if known is not None:
        dict.__setitem__(story.process(10).files, 3, known)
    event = story.event("fchmod", 10, res=0, fd=3, file=reported, observed=Descriptor(reported))
    assert event.file is not None
    assert event.file is story.process(10).files[3]
    return event.file


@pytest.mark.parametrize(
    ("known", "reported"),
    [
        (OPENED, File("file", "/mnt/a", ino=7, dev=5)),
        (OPENED, File("directory", "/mnt/a", ino=7, dev=5)),
        (CLIENT, File("ipv4", sock=CONNECTION)),
        (CLIENT, File("ipv4", sock=BACK)),
        (CLIENT, File("ipv4", sock=BACK, role="client")),
        (LISTENING, File("ipv4")),
        (PIPE, File("pipe", "pipe:[7]", ino=7, dev=5)),
    ],
    ids=["inode and device", "a directory", "both ends", "both ends, from the other side", "the same role",
         "a listening socket of which no ends are reported", "an equal one"],
)  # fmt: skip
def test_what_the_kernel_shows_to_be_the_same_is_what_earlier_calls_made_it(
    story: Story, known: File, reported: File
) -> None:
    assert used(story, known, reported) is known


@pytest.mark.parametrize(
    ("known", "reported"),
    [
        (None, OPENED),
        (OPENED, File("file", "/mnt/a", ino=8, dev=5)),
        (OPENED, File("file", "/mnt/a", ino=7, dev=6)),
        (PIPE, File("file", "/mnt/a", ino=7, dev=5)),
        (OPENED, PIPE),
        (PIPE, File("pipe", "pipe:[8]", ino=8, dev=5)),
        (CLIENT, File("ipv4", "new", sock=CONNECTION, role="server")),
        (CLIENT, File("ipv4", "new", sock=SockTuple(2, ME, 40001, PEER, 443), role="client")),
        (CLIENT, File("ipv4", "new", protocol="tcp", role="client")),
        (LISTENING, File("ipv6", "new", role="client")),
    ],
    ids=["nothing", "another inode", "another device", "a pipe", "a file", "another pipe", "another role",
         "another end", "no ends", "another family"],
)  # fmt: skip
def test_what_the_kernel_shows_to_be_another_replaces_what_was_there(
    story: Story, known: File | None, reported: File
) -> None:
    assert used(story, known, reported) == reported


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], ("client", CONNECTION)),
        ([File("ipv4", role="listening")], ("client", CONNECTION)),
        ([File("ipv4", role="listening", sock=SockTuple(2, dport=443))], ("client", CONNECTION)),
        ([File("ipv4", role="server", sock=SockTuple(2, dport=40000))], ("client", CONNECTION)),
        ([LISTENING, File("ipv4", role="listening", sock=SockTuple(2, dport=40000))], ("server", BACK)),
    ],
    ids=["nothing", "on a port that is not known", "on the port of its peer", "not at all", "on its own port"],
)
def test_a_connection_that_the_kernel_shows_was_accepted_where_its_process_listens_on_its_port(
    story: Story, own: list[File], expected: tuple[str, SockTuple]
) -> None:
    for fd, file in enumerate(own, 5):
        dict.__setitem__(story.process(10).files, fd, file)
    found = used(story, None, File("ipv4", sock=CONNECTION, connected=True))
    assert (*expected, True) == (found.role, found.sock, found.connected)


def test_ends_of_a_unix_socket_have_no_direction(story: Story) -> None:
    assert used(story, None, File("unix", sock=SockTuple(1, path="/run/x"))).role == ""


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (File("ipv4", sock=CONNECTION, protocol="udp"), ("10.0.0.1:40000->10.0.0.2:443", "udp")),
        (File("ipv4", sock=CONNECTION, l4proto="<NA>"), ("10.0.0.1:40000->10.0.0.2:443", "")),
        (File("ipv4", sock=CONNECTION, l4proto="icmp"), ("10.0.0.1->10.0.0.2", "icmp")),
        (File("ipv4", "kept", sock=CONNECTION, l4proto="tcp"), ("kept", "")),
        (File("ipv4", l4proto="tcp"), ("", "")),
    ],
    ids=["its protocol", "a protocol that is not shown", "a shown protocol", "a name of its own", "without ends"],
)
def test_a_socket_is_named_by_its_ends_and_protocol(file: File, expected: tuple[str, str]) -> None:
    found = named(file)
    assert expected == (found.name, found.protocol)


def test_a_descriptor_that_no_parameter_names_is_the_one_that_the_source_gives(story: Story) -> None:
    dict.__setitem__(story.process(10).files, 3, OPENED)
    event = made("write", 10, of=10, res=1)
    event.fd = 3
    story.machine.apply([event])
    assert (3, OPENED) == (event.fd, event.file)


def test_an_event_of_an_old_recording_that_lacks_its_descriptor_is_about_none() -> None:
    story = Story()
    story.has(10)
    story.has_file(10, 3, OPENED)
    full = made("fchmod", 10, res=0, fd=3)
    shorter = [full.args[:count] for count in range(1, len(full.args))]
    events = [SyscallEvent("syscall", "fchmod", 0, tid=10, args=args) for args in shorter]
    story.machine.apply([full, *events])
    index = full.args.index(3)
    assert [3, *(3 if len(event.args) > index else -1 for event in events)] == [full.fd, *(one.fd for one in events)]
