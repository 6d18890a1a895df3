import pytest

from mozu.core.model.event import File, SockAddr, SockTuple
from mozu.core.state.observed import Entered
from tests.core.state.story import Story
from tests.core.state.test_sockets import ME, OTHER, OUT, OUT_TEXT, PEER, UNIX, V4, V6, v4, v6

BACK = SockTuple(V4, PEER, 443, ME, 40000)
MAPPED = v6("::ffff:203.0.113.2")


@pytest.fixture
def story() -> Story:
    """Return a recorded process."""
    story = Story()
    story.has(10, ptid=1)
    story.settled()
    return story


def connected(story: Story, known: File, ends: SockTuple | None, **params: object) -> File:
    """Return the object of a descriptor after a successful connect."""
    dict.__setitem__(story.process(10).files, 3, known)
    event = story.event("connect", 10, **{"res": 0, "tuple": ends, "fd": 3, **params})
    assert event.file is not None
    assert event.file is story.process(10).files[3]
    return event.file


def begins(story: Story, address: SockAddr | None) -> None:
    """Apply the beginning of a connect to this address."""
    story.event("_enter", 10, observed=Entered("connect", (3, address)))


@pytest.mark.parametrize(
    ("known", "asked", "expected"),
    [
        (File("ipv4"), SockAddr(V4, OTHER, 53), ("ipv4", SockTuple(V4, b"", 0, OTHER, 53))),
        (File("ipv4", sock=OUT), SockAddr(V4, OTHER, 53), ("ipv4", SockTuple(V4, ME, 40000, OTHER, 53))),
        (File("ipv6"), SockAddr(V6, MAPPED, 53), ("ipv4", SockTuple(V4, b"", 0, OTHER, 53))),
        (File("ipv6"), SockAddr(V6, v6("2001:db8::2"), 53), ("ipv6", SockTuple(V6, b"", 0, v6("2001:db8::2"), 53))),
        (File("unix", sock=SockTuple(UNIX)), SockAddr(UNIX, path="/run/x"), ("unix", SockTuple(UNIX))),
        (File("ipv4", sock=OUT), None, ("ipv4", OUT)),
    ],
    ids=["an IPv4 address", "another one", "a mapped one", "an IPv6 one", "a path", "nothing"],
)
def test_a_connect_of_which_no_ends_are_known_leads_to_the_address_it_was_given(
    story: Story, known: File, asked: SockAddr | None, expected: tuple[str, SockTuple]
) -> None:
    begins(story, asked)
    found = connected(story, known, None)
    assert (*expected, True) == (found.kind, found.sock, found.connected)


@pytest.mark.parametrize(
    ("seen", "asked", "expected"),
    [
        (SockAddr(V4, PEER, 443), SockAddr(V4, OTHER, 53), (OTHER, 53)),
        (None, SockAddr(V4, OTHER, 53), (PEER, 443)),
        (SockAddr(V6, PEER, 443), SockAddr(V4, OTHER, 53), (PEER, 443)),
        (SockAddr(V4, PEER, 444), SockAddr(V4, OTHER, 53), (PEER, 443)),
        (SockAddr(V4, OTHER, 443), SockAddr(V4, OTHER, 53), (PEER, 443)),
    ],
    ids=["both known", "no end", "an end of another family", "another port", "another address"],
)
def test_the_address_at_the_beginning_replaces_the_one_that_the_end_shows_where_the_kernel_used_that(
    story: Story, seen: SockAddr | None, asked: SockAddr, expected: tuple[bytes, int]
) -> None:
    begins(story, asked)
    sock = connected(story, File("ipv4", protocol="tcp"), OUT, addr=seen).sock
    assert sock is not None
    assert expected == (sock.dest, sock.dport)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (File("ipv4", protocol="tcp"), ("client", OUT)),
        (File("ipv4", protocol="tcp", role="client"), ("client", OUT)),
        (File("ipv4", protocol="tcp", role="listening"), ("server", OUT)),
        (File("ipv4", protocol="udp", role="listening"), ("server", BACK)),
        (File("ipv4", protocol="udp", role="server"), ("server", BACK)),
        (File("ipv4", protocol="udp", role="server", sock=OUT), ("server", OUT)),
        (File("ipv4", protocol="udp", role="server", sock=BACK), ("server", OUT)),
        (File("ipv4", protocol="udp", role="client", sock=BACK), ("client", OUT)),
    ],
    ids=["a new stream", "a stream", "a listening stream", "datagrams that listen", "datagrams of a server",
         "which is connected so", "which is connected the other way", "of a client"],
)  # fmt: skip
def test_who_connected_is_the_client_but_where_datagrams_have_been_received(
    story: Story, known: File, expected: tuple[str, SockTuple]
) -> None:
    found = connected(story, known, OUT)
    assert (*expected, True) == (found.role, found.sock, found.connected)


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (File("ipv4", protocol="tcp"), OUT_TEXT),
        (File("ipv4"), "<unknown>"),
        (File("file", "/x"), "<unknown>"),
    ],
)
def test_a_recorded_ipv4_connection_without_a_transport_has_no_name(story: Story, known: File, name: str) -> None:
    assert name == connected(story, known, OUT).name


def test_an_ipv6_connection_without_a_transport_has_a_name(story: Story) -> None:
    ends = SockTuple(V6, v6("2001:db8::1"), 1, v6("2001:db8::2"), 2)
    assert "2001:db8::1:1->2001:db8::2:2" == connected(story, File("ipv6"), ends).name


@pytest.mark.parametrize(("role", "expected"), [("", "client"), ("server", "server")])
def test_live_the_role_is_the_one_that_the_kernel_shows(role: str, expected: str) -> None:
    story = Story(live=True)
    story.has(10)
    found = connected(story, File("ipv4"), OUT, file=File("ipv4", sock=OUT, role=role))
    assert (expected, OUT_TEXT) == (found.role, found.name)


def test_ends_of_a_unix_socket_are_none_of_an_ip_socket(story: Story) -> None:
    known = File("ipv4", protocol="tcp")
    assert connected(story, known, SockTuple(UNIX, path="/run/x")) is known
    assert "0->0 /run/x" == connected(story, File("unix"), SockTuple(UNIX, path="/run/x")).name


@pytest.mark.parametrize("result", [None, -1, -111, -114])
def test_a_connect_that_failed_connects_nothing(story: Story, result: int | None) -> None:
    known = File("ipv4", protocol="tcp")
    assert connected(story, known, OUT, res=result) is known


@pytest.mark.parametrize(
    ("known", "address", "expected"),
    [
        (File("ipv6", protocol="tcp"), SockAddr(V6, MAPPED, 80), ("ipv4", SockTuple(V4, dest=OTHER, dport=80))),
        (File("ipv6"), SockAddr(V6, v6("2001:db8::2"), 80), ("ipv6", SockTuple(V6, dest=v6("2001:db8::2"), dport=80))),
        (File("ipv4"), SockAddr(V4, v4("0.0.0.0"), 1), ("ipv4", SockTuple(V4, dest=v4("0.0.0.0"), dport=1))),
        (File("ipv4"), SockAddr(V4, ME, 0), ("ipv4", None)),
        (File("unix"), SockAddr(UNIX, path="/run/x"), ("unix", None)),
    ],
    ids=["a mapped address", "an IPv6 address", "port 1 of every address", "no port", "a path"],
)
def test_a_bound_socket_listens_on_its_address_and_port(
    story: Story, known: File, address: SockAddr, expected: tuple[str, SockTuple | None]
) -> None:
    dict.__setitem__(story.process(10).files, 3, known)
    story.event("bind", 10, res=0, addr=address, fd=3)
    found = story.process(10).files[3]
    assert (*expected, "listening" if expected[1] else "") == (found.kind, found.sock, found.role)


@pytest.mark.parametrize("params", [{"res": -1}, {"res": None}, {"addr": None}], ids=str)
def test_a_bind_that_failed_or_has_no_address_binds_nothing(story: Story, params: dict[str, int | None]) -> None:
    known = File("ipv4", protocol="tcp")
    dict.__setitem__(story.process(10).files, 3, known)
    story.event("bind", 10, **{"res": 0, "addr": SockAddr(V4, ME, 80), "fd": 3, **params})
    assert story.process(10).files[3] is known


def test_a_name_has_changed_only_where_it_is_another(story: Story) -> None:
    dict.__setitem__(story.process(10).files, 3, File("unix"))
    changed = []
    for path in ("/run/x", "/run/x", "/run/y"):
        story.event("bind", 10, res=0, addr=SockAddr(UNIX, path=path), fd=3)
        changed.append(story.process(10).files[3].name_changed)
    assert [True, False, True] == changed
