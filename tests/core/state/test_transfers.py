import pytest

from mozu.core.model.event import File, SockTuple
from mozu.core.state.observed import Seeded
from tests.core.state.story import Story, read
from tests.core.state.test_sockets import DATAGRAM, ME, PEER, STREAM, UNIX, V4, V6, file_of, v4, v6

NONE = v4("0.0.0.0")
LOCAL, LAN, OTHER_LAN = v4("127.0.0.1"), v4("192.0.2.7"), v4("203.0.113.77")
MASKS = v4("255.0.0.0"), v4("255.255.255.0"), v4("255.255.255.0")


@pytest.fixture
def story() -> Story:
    """Return a recording of a machine with three interfaces, and a process with a datagram socket."""
    story = Story()
    story.has(10, ptid=1)
    story.settled(Seeded(addresses=(LOCAL, LAN, OTHER_LAN), netmasks=MASKS))
    story.event("socket", 10, fd=3, domain=V4, type=DATAGRAM, proto=0, flags=0)
    return story


@pytest.mark.parametrize(
    ("kind", "ends", "expected"),
    [
        ("sendto", SockTuple(V4, NONE, 40, PEER, 53), (OTHER_LAN, PEER)),
        ("sendto", SockTuple(V4, NONE, 40, v4("192.0.2.9"), 53), (LAN, v4("192.0.2.9"))),
        ("sendto", SockTuple(V4, NONE, 40, LAN, 53), (LAN, LAN)),
        ("sendto", SockTuple(V4, NONE, 40, v4("127.1.2.3"), 53), (LOCAL, v4("127.1.2.3"))),
        ("sendto", SockTuple(V4, NONE, 40, v4("198.51.100.1"), 53), (LAN, v4("198.51.100.1"))),
        ("sendto", SockTuple(V4, ME, 40, PEER, 53), (ME, PEER)),
        ("recvfrom", SockTuple(V4, PEER, 53, NONE, 40), (PEER, OTHER_LAN)),
        ("recvfrom", SockTuple(V4, PEER, 53, ME, 40), (PEER, ME)),
    ],
    ids=["of the net of its peer", "of another net", "of the peer itself", "loopback", "the first that is not loopback",
         "both known", "of the receiver", "both known to the receiver"],
)  # fmt: skip
def test_an_address_that_is_missing_is_that_of_the_interface_towards_the_other_end(
    story: Story, kind: str, ends: SockTuple, expected: tuple[bytes, bytes]
) -> None:
    story.event(kind, 10, res=1, fd=3, tuple=ends)
    sock = file_of(story).sock
    assert sock is not None
    assert expected == (sock.source, sock.dest)


def test_without_interfaces_an_address_that_is_missing_stays_so(story: Story) -> None:
    story.settled(Seeded())
    story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, NONE, 40, PEER, 53))
    assert "0.0.0.0:40->203.0.113.1:53" == file_of(story).name


def test_interfaces_of_which_no_masks_are_known_reach_themselves_alone(story: Story) -> None:
    story.settled(Seeded(addresses=(LOCAL, LAN, OTHER_LAN)))
    story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, NONE, 40, PEER, 53))
    assert "192.0.2.7:40->203.0.113.1:53" == file_of(story).name


def test_a_machine_with_loopback_alone_has_no_address_towards_others(story: Story) -> None:
    story.settled(Seeded(addresses=(LOCAL,), netmasks=MASKS))
    story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, NONE, 40, PEER, 53))
    assert "0.0.0.0:40->203.0.113.1:53" == file_of(story).name


def test_an_ipv6_address_that_is_missing_stays_so(story: Story) -> None:
    story.event("socket", 10, fd=3, domain=V6, type=DATAGRAM, proto=0, flags=0)
    story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V6, v6("::"), 40, v6("2001:db8::2"), 53))
    assert ":::40->2001:db8::2:53" == file_of(story).name


@pytest.mark.parametrize(
    ("kind", "role", "expected"),
    [
        ("sendto", "", ("client", "10.0.0.1:40->203.0.113.1:53")),
        ("recvfrom", "", ("server", "10.0.0.1:40->203.0.113.1:53")),
        ("sendto", "client", ("client", "10.0.0.1:40->203.0.113.1:53")),
        ("recvfrom", "client", ("client", "203.0.113.1:53->10.0.0.1:40")),
        ("sendto", "server", ("server", "203.0.113.1:53->10.0.0.1:40")),
        ("recvfrom", "server", ("server", "10.0.0.1:40->203.0.113.1:53")),
        ("sendto", "listening", ("server", "203.0.113.1:53->10.0.0.1:40")),
        ("recvfrom", "listening", ("server", "10.0.0.1:40->203.0.113.1:53")),
    ],
)
def test_a_datagram_socket_is_what_it_does_first(story: Story, kind: str, role: str, expected: tuple[str, str]) -> None:
    dict.__setitem__(story.process(10).files, 3, File("ipv4", protocol="udp", role=role))
    story.event(kind, 10, res=0, fd=3, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert expected == (file_of(story).role, file_of(story).name)


@pytest.mark.parametrize(
    ("file", "connected"),
    [
        (File("ipv4", role="client"), True),
        (File("ipv6", role="server"), True),
        (File("ipv4", role="listening"), False),
        (File("unix"), False),
        (File("file", "/x"), False),
    ],
)
@pytest.mark.parametrize("kind", ["read", "write", "sendmsg", "recvmsg"])
def test_an_ip_socket_through_which_something_went_is_connected(
    story: Story, kind: str, file: File, connected: bool
) -> None:
    dict.__setitem__(story.process(10).files, 3, file)
    event = story.event(kind, 10, res=0, fd=3)
    assert event.file is not None
    assert (connected, connected) == (event.file.connected, story.process(10).files[3].connected)


def test_a_transfer_of_which_the_result_is_not_known_or_that_failed_connects_nothing(story: Story) -> None:
    for result in (None, -1):
        story.event("write", 10, res=result, fd=3)
    assert not story.process(10).files[3].connected


@pytest.mark.parametrize("kind", ["send", "sendto", "sendmsg", "write", "recvfrom"])
def test_a_socket_that_no_call_made_is_made_by_those_that_send_to_a_peer(story: Story, kind: str) -> None:
    tuple_ = {} if kind == "write" else {"tuple": SockTuple(V4, ME, 40, PEER, 53)}
    story.event(kind, 10, res=1, fd=0, **tuple_)
    assert (0 in story.process(10).files) == (kind in ("send", "sendto", "sendmsg"))


@pytest.mark.parametrize("family", [UNIX, 16])
def test_a_send_on_a_socket_that_no_call_made_makes_none_of_another_family(story: Story, family: int) -> None:
    story.event("sendto", 10, res=1, fd=5, tuple=SockTuple(family, path="/run/x"))
    assert 5 not in story.process(10).files


def test_a_send_about_no_descriptor_makes_none(story: Story) -> None:
    before = dict(story.process(10).files)
    story.event("sendto", 10, res=1, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert before == story.process(10).files


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (File("ipv4", protocol="tcp"), "10.0.0.1:40->203.0.113.1:53"),
        (File("ipv4", "kept", protocol="tcp"), "kept"),
        (File("ipv4", "old", protocol="udp"), "10.0.0.1:40->203.0.113.1:53"),
        (File("ipv6", "old", protocol="tcp"), "10.0.0.1:40->203.0.113.1:53"),
    ],
    ids=["without a name", "a named stream", "named datagrams", "an IPv6 socket"],
)
def test_only_an_ipv4_stream_that_has_a_name_keeps_it(story: Story, file: File, name: str) -> None:
    dict.__setitem__(story.process(10).files, 3, file)
    assert name == read(story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, ME, 40, PEER, 53)), "fd.name")


def test_a_mapped_address_is_the_ipv4_one_and_what_is_no_address_changes_nothing(story: Story) -> None:
    ends = SockTuple(V6, v6("::ffff:10.0.0.1"), 40, v6("::ffff:203.0.113.1"), 53)
    story.event("sendto", 10, res=1, fd=3, tuple=ends)
    before = file_of(story)
    story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(16))
    assert ("10.0.0.1:40->203.0.113.1:53", before) == (before.name, file_of(story))


@pytest.mark.parametrize(
    ("path", "known", "expected"),
    [
        ("/run/x", None, "1->2 /run/x"),
        ("/run/x", SockTuple(UNIX, path="/run/x", source_pointer=1, dest_pointer=2), "1->2 /run/x"),
        ("/run/y", SockTuple(UNIX, path="/run/x", source_pointer=1, dest_pointer=2), "1->2 /run/y"),
    ],
)
def test_a_unix_socket_has_the_ends_of_the_last_call(
    story: Story, path: str, known: SockTuple | None, expected: str
) -> None:
    dict.__setitem__(story.process(10).files, 3, File("unix", "1->2 /run/x", sock=known, role="client"))
    ends = SockTuple(UNIX, path=path, source_pointer=1, dest_pointer=2)
    event = story.event("sendmsg", 10, res=1, fd=3, tuple=ends)
    assert event.file is not None
    assert (expected, ends, "client") == (event.file.name, event.file.sock, event.file.role)


def test_a_socket_of_an_unseen_stream_is_taken_for_datagrams(story: Story) -> None:
    event = story.event("sendto", 10, res=1, fd=7, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert ("udp", "ipv4", True) == tuple(read(event, f"fd.{name}") for name in ("l4proto", "type", "name_changed"))
    story.event("socket", 10, fd=8, domain=V4, type=STREAM, proto=99, flags=0)
    story.event("sendto", 10, res=1, fd=8, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert "udp" == story.process(10).files[8].protocol
