import socket

import pytest

from mozu.core.abi.addresses import socket_kind
from mozu.core.model.event import File, SockAddr, SockTuple
from mozu.core.state.observed import Entered, Seeded
from tests.core.state.story import CLOEXEC, Story, read

V4, V6, UNIX = 2, 10, 1
STREAM, DATAGRAM, RAW = 1, 2, 3


def v4(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET, text)


def v6(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, text)


ME, PEER, OTHER = v4("10.0.0.1"), v4("203.0.113.1"), v4("203.0.113.2")
OUT = SockTuple(V4, ME, 40000, PEER, 443)
OUT_TEXT = "10.0.0.1:40000->203.0.113.1:443"
IN = SockTuple(V4, PEER, 5555, ME, 80)
IN_TEXT = "203.0.113.1:5555->10.0.0.1:80"


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="a", ptid=1)
    story.settled()
    return story


def sock(story: Story, fd: int = 3, domain: int = V4, kind: int = STREAM, proto: int = 0) -> None:
    story.event("socket", 10, fd=fd, domain=domain, type=kind, proto=proto, flags=0)


def file_of(story: Story, fd: int = 3) -> File:
    file = story.write(10, fd).file
    assert file is not None
    return file


# --- making ---


@pytest.mark.parametrize(
    ("domain", "expected"), [(V4, "ipv4"), (V6, "ipv6"), (UNIX, "unix"), (16, "netlink"), (40, "unknown")]
)
def test_a_socket_is_of_the_kind_of_its_family(story: Story, domain: int, expected: str) -> None:
    sock(story, domain=domain)
    assert expected == story.write(10, 3).file.kind  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "proto", "expected"),
    [
        (STREAM, 0, "tcp"),
        (DATAGRAM, 0, "udp"),
        (STREAM | 0x80000, 6, "tcp"),
        (DATAGRAM, 17, "udp"),
        (DATAGRAM, 1, "icmp"),
        (RAW, 1, "raw"),
        (RAW, 255, "raw"),
        (5, 0, ""),
    ],
)
def test_arguments_tell_the_transport(story: Story, kind: int, proto: int, expected: str) -> None:
    sock(story, kind=kind, proto=proto)
    assert expected == file_of(story).protocol


def test_nobody_knows_what_a_fresh_socket_is_for(story: Story) -> None:
    event = story.event("socket", 10, fd=3, domain=V4, type=STREAM, proto=0, flags=0)
    assert ("<NA>", "") == (read(event, "fd.l4proto"), read(event, "fd.name"))


# --- connecting ---


def connect(story: Story, tuple: SockTuple | None, res: int = 0, addr: SockAddr | None = None):  # type: ignore[no-untyped-def]
    return story.event("connect", 10, res=res, tuple=tuple, fd=3, addr=addr)


@pytest.mark.parametrize("res", [0, -115])
def test_a_socket_that_connects_is_a_client(story: Story, res: int) -> None:
    sock(story)
    event = connect(story, OUT, res)
    found = tuple(
        read(event, f"fd.{name}") for name in ("name", "sip", "cport", "l4proto", "connected", "name_changed")
    )
    assert (OUT_TEXT, PEER, 40000, "tcp", True, True) == found


def test_a_refused_connection_leaves_the_socket_as_it_was(story: Story) -> None:
    sock(story)
    connect(story, OUT, -111)
    assert ("", "") == (file_of(story).name, file_of(story).role)


def test_the_connection_is_known_from_then_on(story: Story) -> None:
    sock(story)
    connect(story, OUT)
    event = story.write(10, 3)
    assert (OUT_TEXT, False) == (read(event, "fd.name"), read(event, "fd.name_changed"))


def test_a_datagram_socket_can_connect_again(story: Story) -> None:
    sock(story, kind=DATAGRAM)
    connect(story, SockTuple(V4, ME, 1, PEER, 53))
    event = connect(story, SockTuple(V4, ME, 1, OTHER, 53))
    assert "10.0.0.1:1->203.0.113.2:53" == read(event, "fd.name")


def test_an_ipv4_connection_through_an_ipv6_socket_is_ipv4(story: Story) -> None:
    sock(story, domain=V6)
    event = connect(story, SockTuple(V6, v6("::ffff:10.0.0.1"), 40000, v6("::ffff:203.0.113.1"), 443))
    assert ("ipv4", OUT_TEXT, PEER) == (read(event, "fd.type"), read(event, "fd.name"), read(event, "fd.sip"))


def test_ipv6_addresses_are_written_without_brackets(story: Story) -> None:
    sock(story, domain=V6)
    event = connect(story, SockTuple(V6, v6("2001:db8::1"), 1, v6("2001:db8::2"), 2))
    assert "2001:db8::1:1->2001:db8::2:2" == read(event, "fd.name")


def test_a_unix_socket_is_named_by_both_ends_and_the_path(story: Story) -> None:
    sock(story, domain=UNIX)
    event = connect(story, SockTuple(UNIX, path="/run/x", source_pointer=0xAB, dest_pointer=0xCD))
    assert "ab->cd /run/x" == read(event, "fd.name")


def test_a_connection_of_a_socket_that_nobody_has_seen_is_named_by_the_call(story: Story) -> None:
    event = connect(story, OUT)
    assert (None, OUT_TEXT) == (event.file, read(event, "fd.name"))


def test_the_address_at_the_beginning_of_the_call_wins(story: Story) -> None:
    sock(story)
    story.event("_enter", 10, observed=Entered("connect", (3, SockAddr(V4, OTHER, 1))))
    event = connect(story, OUT, addr=SockAddr(V4, PEER, 443))
    assert (OTHER, 1) == (read(event, "fd.sip"), read(event, "fd.sport"))


def test_but_not_over_what_the_kernel_really_used(story: Story) -> None:
    sock(story)
    story.event("_enter", 10, observed=Entered("connect", (3, SockAddr(V4, OTHER, 1))))
    event = connect(story, OUT, addr=SockAddr(V4, OTHER, 443))
    assert PEER == read(event, "fd.sip")


@pytest.mark.parametrize(("used", "expected"), [("/run/later", "/run/asked"), ("/run/used", "/run/used")])
def test_the_path_of_a_unix_socket_is_that_of_the_beginning_unless_the_kernel_used_another(
    story: Story, used: str, expected: str
) -> None:
    sock(story, domain=UNIX)
    story.event("_enter", 10, observed=Entered("connect", (3, SockAddr(UNIX, path="/run/asked"))))
    event = connect(story, SockTuple(UNIX, path=used), addr=SockAddr(UNIX, path="/run/later"))
    assert event.file is not None
    assert event.file.sock is not None
    assert expected == event.file.sock.path


# --- binding, accepting ---


def test_a_bound_socket_listens(story: Story) -> None:
    sock(story)
    event = story.event("bind", 10, res=0, addr=SockAddr(V4, ME, 80), fd=3)
    found = tuple(read(event, f"fd.{name}") for name in ("name", "sip", "sport", "is_server", "l4proto"))
    assert ("10.0.0.1:80", ME, 80, True, "tcp") == found


def test_a_socket_bound_to_any_port_does_not(story: Story) -> None:
    sock(story)
    story.event("bind", 10, res=0, addr=SockAddr(V4, ME, 0), fd=3)
    assert ("10.0.0.1:0", "") == (file_of(story).name, file_of(story).role)


def test_a_unix_socket_is_bound_to_its_path(story: Story) -> None:
    sock(story, domain=UNIX)
    assert "/run/x" == read(story.event("bind", 10, res=0, addr=SockAddr(UNIX, path="/run/x"), fd=3), "fd.name")


def test_an_accepted_connection_belongs_to_a_server(story: Story) -> None:
    event = story.event("accept4", 10, fd=5, tuple=IN, flags=0)
    found = tuple(
        read(event, f"fd.{name}") for name in ("num", "name", "cip", "sport", "l4proto", "is_server", "connected")
    )
    assert (5, IN_TEXT, PEER, 80, "tcp", True, True) == found


def test_an_accepted_connection_is_known_from_then_on(story: Story) -> None:
    story.event("accept", 10, fd=5, tuple=IN)
    assert IN_TEXT == file_of(story, 5).name


def test_an_accept_without_flags_gives_a_descriptor_without_flags(story: Story) -> None:
    accepted = story.event("accept", 10, fd=5, tuple=IN), story.event("accept4", 10, fd=6, tuple=IN, flags=CLOEXEC)
    assert [0, CLOEXEC] == [event.file.flags for event in accepted if event.file is not None]


def test_an_accept_that_reported_no_address_makes_nothing_known(story: Story) -> None:
    event = story.event("accept", 10, fd=5, tuple=None)
    assert (5, None) == (event.fd, event.file)


def test_a_failed_accept_is_about_no_descriptor(story: Story) -> None:
    assert -1 == story.event("accept", 10, fd=-11, tuple=None).fd


# --- datagrams ---


def test_sending_to_a_peer_makes_a_client(story: Story) -> None:
    sock(story, kind=DATAGRAM)
    event = story.event("sendto", 10, res=1, data=b"", fd=3, size=1, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert ("10.0.0.1:40->203.0.113.1:53", "udp", True) == tuple(
        read(event, f"fd.{name}") for name in ("name", "l4proto", "name_changed")
    )


def test_receiving_first_makes_a_server(story: Story) -> None:
    sock(story, kind=DATAGRAM)
    story.event("bind", 10, res=0, addr=SockAddr(V4, ME, 53), fd=3)
    event = story.event("recvfrom", 10, res=1, data=b"", fd=3, size=1, tuple=SockTuple(V4, PEER, 40, ME, 53))
    assert ("203.0.113.1:40->10.0.0.1:53", PEER, 53) == tuple(
        read(event, f"fd.{name}") for name in ("name", "cip", "sport")
    )


def test_an_answer_does_not_turn_a_client_round(story: Story) -> None:
    sock(story, kind=DATAGRAM)
    story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, ME, 40, PEER, 53))
    event = story.event("recvfrom", 10, res=1, fd=3, tuple=SockTuple(V4, PEER, 53, ME, 40))
    assert ("10.0.0.1:40->203.0.113.1:53", False) == (read(event, "fd.name"), read(event, "fd.name_changed"))


def test_an_answer_of_a_server_keeps_its_direction(story: Story) -> None:
    sock(story, kind=DATAGRAM)
    story.event("recvfrom", 10, res=1, fd=3, tuple=SockTuple(V4, PEER, 40, ME, 53))
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, ME, 53, PEER, 40))
    assert "203.0.113.1:40->10.0.0.1:53" == read(event, "fd.name")


def test_a_stream_keeps_its_name_whatever_the_call_says(story: Story) -> None:
    sock(story)
    connect(story, OUT)
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, ME, 9, OTHER, 9))
    assert OUT_TEXT == read(event, "fd.name")


def test_a_failed_transfer_tells_nothing(story: Story) -> None:
    sock(story, kind=DATAGRAM)
    story.event("sendto", 10, res=-1, fd=3, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert "" == file_of(story).name


def test_sending_through_a_socket_that_nobody_has_seen_makes_it_known(story: Story) -> None:
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, ME, 40, PEER, 53))
    assert ("10.0.0.1:40->203.0.113.1:53", "udp") == (read(event, "fd.name"), read(event, "fd.l4proto"))


def test_a_missing_address_is_that_of_the_interface_towards_the_other(story: Story) -> None:
    local, lan = v4("127.0.0.1"), v4("203.0.113.77")
    story.settled(Seeded(addresses=(local, lan), netmasks=(v4("255.0.0.0"), v4("255.255.255.0"))))
    sock(story, kind=DATAGRAM)
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, v4("0.0.0.0"), 40, PEER, 53))
    assert "203.0.113.77:40->203.0.113.1:53" == read(event, "fd.name")


def test_a_missing_peer_is_that_of_the_interface_towards_the_other(story: Story) -> None:
    local, lan = v4("127.0.0.1"), v4("203.0.113.77")
    story.settled(Seeded(addresses=(local, lan), netmasks=(v4("255.0.0.0"), v4("255.255.255.0"))))
    sock(story, kind=DATAGRAM)
    event = story.event("recvfrom", 10, res=1, fd=3, tuple=SockTuple(V4, PEER, 53, v4("0.0.0.0"), 40))
    assert "203.0.113.1:53->203.0.113.77:40" == read(event, "fd.name")


@pytest.mark.parametrize(("port", "name"), [(40, "127.0.0.1:40->0.0.0.0:40"), (41, "127.0.0.1:40->127.0.0.1:41")])
def test_a_socket_that_would_be_its_own_peer_keeps_the_address_that_is_missing(
    story: Story, port: int, name: str
) -> None:
    story.settled(Seeded(addresses=(v4("127.0.0.1"),), netmasks=(v4("255.0.0.0"),)))
    sock(story, kind=DATAGRAM)
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, v4("127.0.0.1"), 40, v4("0.0.0.0"), port))
    assert name == read(event, "fd.name")


@pytest.mark.parametrize("domain", [V4, UNIX])
def test_a_socket_has_the_flags_of_its_call(story: Story, domain: int) -> None:
    story.event("socket", 10, fd=3, domain=domain, type=STREAM, proto=0, flags=CLOEXEC)
    assert CLOEXEC == file_of(story).flags


def test_a_missing_address_is_not_filled_in_if_the_socket_were_its_own_peer_then(story: Story) -> None:
    story.settled(Seeded(addresses=(v4("127.0.0.1"),), netmasks=(v4("255.0.0.0"),)))
    sock(story, kind=DATAGRAM)
    event = story.event("sendto", 10, res=1, fd=3, tuple=SockTuple(V4, v4("0.0.0.0"), 40, v4("127.0.0.1"), 40))
    assert "0.0.0.0:40->127.0.0.1:40" == read(event, "fd.name")


def test_a_socket_can_have_the_number_0(story: Story) -> None:
    sock(story, fd=0)
    assert "ipv4" == file_of(story, 0).kind


def test_a_connect_of_which_no_ends_are_known_is_to_what_was_asked_for(story: Story) -> None:
    sock(story, domain=UNIX)
    story.event("_enter", 10, observed=Entered("connect", (3, SockAddr(UNIX, path="/run/x"))))
    event = story.event("connect", 10, res=0, fd=3)
    assert ("/run/x", True) == (read(event, "fd.name"), read(event, "fd.name_changed"))
    story.event("_enter", 10, observed=Entered("connect", (3, SockAddr(UNIX, path="/run/x"))))
    event = story.event("connect", 10, res=0, fd=3)
    assert ("/run/x", False) == (read(event, "fd.name"), read(event, "fd.name_changed"))


# --- live ---


def test_live_a_connection_of_an_unseen_socket_is_what_the_kernel_says() -> None:
    story = Story(live=True)
    reported = File("ipv4", ino=9, sock=OUT, protocol="tcp", l4proto="tcp", role="client", connected=True)
    event = story.event("connect", 10, res=0, tuple=OUT, fd=3, file=reported)
    assert (OUT_TEXT, "tcp", PEER) == tuple(read(event, f"fd.{name}") for name in ("name", "l4proto", "sip"))


def test_live_a_write_to_an_unseen_socket_names_it() -> None:
    story = Story(live=True)
    reported = File("ipv4", ino=9, sock=OUT, protocol="tcp", l4proto="tcp", role="client", connected=True)
    assert OUT_TEXT == read(story.event("write", 10, res=1, fd=3, size=1, file=reported), "fd.name")


def test_a_recorded_ipv4_connection_without_a_known_transport_has_no_name(story: Story) -> None:
    story.open(10, "/tmp/a", 3)
    event = story.event("connect", 10, res=0, tuple=OUT, fd=3, addr=None)
    assert ("<unknown>", "<NA>") == (read(event, "fd.name"), read(event, "fd.l4proto"))


def test_live_a_socket_that_the_source_gives_without_a_name_is_named_by_its_ends() -> None:
    story = Story(live=True)
    reported = File("ipv4", sock=OUT, l4proto="udp", role="client")
    event = story.event("write", 10, res=1, fd=3, size=1, file=reported)
    assert event.file is not None
    assert (OUT_TEXT, "udp") == (event.file.name, event.file.protocol)


def test_a_socket_of_which_type_and_protocol_were_not_reported_has_no_transport(story: Story) -> None:
    event = story.event("socket", 10, fd=3, domain=V4)
    assert ("ipv4", "<NA>") == (read(event, "fd.type"), read(event, "fd.l4proto"))
    assert event.file is not None
    assert "" == event.file.protocol


def test_a_socket_without_parameters_is_of_no_family(story: Story) -> None:
    event = story.event("socket", 10, fd=3)
    assert event.file == File(socket_kind(0))
    assert event.file.kind not in ("unix", "ipv4", "ipv6")
