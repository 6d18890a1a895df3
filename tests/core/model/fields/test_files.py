from typing import Any

import msgspec
import pytest

from mozu.core.model.event import Container, File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.fields import Lookups, Match
from mozu.core.model.fields.descriptor_kind import CHARS
from tests.core.model.fields.making import (
    CLIENT,
    CONNECTION,
    SERVER,
    connection,
    event,
    field,
    file,
    listener,
    named,
    process,
    registry,
    value,
)

HERE = Lookups()
HERE.addresses.replace([CLIENT])
SHOWN = ("num", "type", "typechar", "name", "directory", "filename", "nameraw")


def _shown(made: SyscallEvent) -> tuple[Any, ...]:
    return tuple(value(f"fd.{name}", made) for name in SHOWN)


def _on(of: File, **more: Any) -> SyscallEvent:
    return named("read", fd=3, file=of, **more)


NAMES = [
    (_on(file("/etc/passwd")), (3, "file", "f", "/etc/passwd", "/etc", "passwd", "/etc/passwd")),
    (_on(file("/passwd", raw="//passwd")), (3, "file", "f", "/passwd", "/", "passwd", "/passwd")),
    (_on(file("/", raw="/")), (3, "file", "f", "/", "/", "/", "/")),
    (_on(file("", raw="")), (3, "file", "f", "", "/", "/", "")),
    (
        _on(File(kind="directory", name="/var/log", raw="log//x")),
        (3, "directory", "d", "/var/log", "/var/log", None, "log/x"),
    ),
    (_on(connection()), (3, "ipv4", "4", "10.20.30.40:40001->203.0.113.1:443", None, None, "")),
    (_on(File(kind="pipe")), (3, "pipe", "p", "", None, None, "")),
    (_on(File(kind="unknown")), (3, "<NA>", "o", "", None, None, "")),
    (named("read", fd=99), (99, None, "o", "", "/", None, "")),
    (named("write", fd=None), (None,) * 7),
    (named("kill"), (None,) * 7),
    (named("close_range"), (None,) * 7),
]


@pytest.mark.parametrize(("made", "expected"), NAMES)
def test_a_descriptor_shows_its_kind_and_names(made: SyscallEvent, expected: tuple[Any, ...]) -> None:
    assert expected == _shown(made)


FAILED = [
    (
        event("openat", -13, -100, "secret", 1, 0, 0, 0, fd=-1),
        (-1, None, "f", "/home/mira/secret", "/home/mira", None, "secret"),
    ),
    (event("open", -2, "//x/y", 1, 0, 0, 0, fd=-1), (-1, None, "o", "/x/y", "/x", None, "/x/y")),
    (event("creat", -2, "/x", 0, 0, 0, 0, fd=-1), (-1, None, "f", "/x", "/", None, "/x")),
    (event("openat2", -2, 8, "x", 1, 0, 0, 0, 0, fd=-1), (-1, None, "f", "<UNKNOWN>/x", "<UNKNOWN>", None, "x")),
    (event("openat", -14, -100, None, 1, 0, 0, 0, fd=-1), (-1, None, "f", None, None, None, "")),
    (
        event("openat", -2, 8, "x", 1, 0, 0, 0, fd=-1, file=File(kind="", name="/srv/x", raw="x")),
        (-1, None, "f", "/srv/x", "/srv", None, "x"),
    ),
]


@pytest.mark.parametrize(("made", "expected"), FAILED)
def test_a_failed_open_still_has_a_name_and_a_directory(made: SyscallEvent, expected: tuple[Any, ...]) -> None:
    assert expected == _shown(made)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (event("connect", 0, CONNECTION, 9, None, fd=9), "10.20.30.40:40001->203.0.113.1:443"),
        (event("accept4", 9, CONNECTION, 0, 0, 0, 0, fd=9), "10.20.30.40:40001->203.0.113.1:443"),
        (event("connect", -111, None, 9, SockAddr(2, SERVER, 443), fd=9), "203.0.113.1:443"),
        (event("accept4", -11, None, 0, 0, 0, 0, fd=-1), "NULL"),
    ],
)
def test_an_unknown_socket_is_named_by_its_own_call(made: SyscallEvent, expected: str) -> None:
    assert expected == value("fd.name", made)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("openat", "f"),
        ("open", "o"),
        ("socket", "4"),
        ("accept4", "4"),
        ("pipe2", "p"),
        ("eventfd2", "e"),
        ("signalfd4", "s"),
        ("timerfd_create", "t"),
        ("inotify_init1", "i"),
        ("memfd_create", "o"),
        ("write", "o"),
    ],
)
def test_the_letter_of_an_unknown_descriptor_is_guessed_from_the_call(kind: str, expected: str) -> None:
    assert expected == value("fd.typechar", named(kind, fd=9))


@pytest.mark.parametrize(("kind", "letter"), CHARS.items())
def test_every_kind_has_its_name_and_letter(kind: str, letter: str) -> None:
    made = _on(File(kind=kind))
    assert (kind, letter) == (value("fd.type", made), value("fd.typechar", made))


ENDS = ("cip", "cport", "sip", "sport", "lip", "lport", "rip", "rport")
INCOMING = connection(role="server", sock=SockTuple(2, SERVER, 5555, CLIENT, 8080))
LOOPBACK = connection(sock=SockTuple(2, bytes([127, 0, 0, 1]), 1, bytes([127, 0, 0, 1]), 2))
STUB = bytes([127, 0, 0, 53])
RESOLVER = connection(sock=SockTuple(2, bytes([127, 0, 0, 1]), 1, STUB, 53))
MISSING = (None,) * 8

SOCKETS = [
    (connection(), (CLIENT, 40001, SERVER, 443, CLIENT, 40001, SERVER, 443), False),
    (INCOMING, (SERVER, 5555, CLIENT, 8080, CLIENT, 8080, SERVER, 5555), True),
    (LOOPBACK, (bytes([127, 0, 0, 1]), 1, bytes([127, 0, 0, 1]), 2) * 2, True),
    (RESOLVER, (bytes([127, 0, 0, 1]), 1, STUB, 53) * 2, False),
    (listener(), (None, None, bytes(4), 8081, None, None, None, None), True),
    (connection(role="", connected=False), MISSING, False),
    (connection(sock=None, role=""), MISSING, False),
    (File(kind="unix", sock=SockTuple(1, path="/run/x"), role="server"), MISSING, False),
    (file(), MISSING, False),
]


@pytest.mark.parametrize(("of", "ends", "serving"), SOCKETS)
def test_a_socket_shows_its_ends(of: File, ends: tuple[Any, ...], serving: bool) -> None:
    actual = tuple(value(f"fd.{name}", _on(of), HERE) for name in ENDS)
    assert (ends, serving) == (actual, value("fd.is_server", _on(of), HERE))


@pytest.mark.parametrize(("role", "expected"), [("client", (CLIENT, SERVER)), ("server", (SERVER, CLIENT))])
def test_without_known_addresses_the_part_of_the_process_tells_local_from_remote(
    role: str, expected: tuple[bytes, bytes]
) -> None:
    made = _on(connection(role=role))
    assert expected == (value("fd.lip", made), value("fd.rip", made))


@pytest.mark.parametrize(
    ("container", "expected"), [(None, (40001, 443)), (Container("0123456789abcdef", "docker"), (443, 40001))]
)
def test_in_a_recording_no_ipv6_address_is_local_to_a_container(
    container: Container | None, expected: tuple[int, int]
) -> None:
    own, other = b"\x20" + bytes(15), b"\x20" + bytes(14) + b"\1"
    names = Lookups()
    names.addresses.replace([own], recorded=lambda _: None)
    sock = SockTuple(10, own, 40001, other, 443)
    made = _on(File(kind="ipv6", sock=sock, role="client"), process=process(container=container))
    assert expected == (value("fd.lport", made, names), value("fd.rport", made, names))


@pytest.mark.parametrize("letter", "cslr")
def test_networks_are_those_of_the_addresses(letter: str) -> None:
    made = _on(connection())
    assert value(f"fd.{letter}ip", made) == value(f"fd.{letter}net", made)


@pytest.mark.parametrize(("letter", "expected"), [("c", "40001"), ("s", "443"), ("l", "40001"), ("r", "443")])
def test_protocols_are_the_ports_as_text(letter: str, expected: str) -> None:
    assert expected == value(f"fd.{letter}proto", _on(connection()), HERE)


EITHER = [
    (connection(), ((CLIENT, SERVER), (40001, 443))),
    (listener(), ((bytes(4),), (8081,))),
    (file(), ((), ())),
    (File(kind=""), (None, None)),
]


@pytest.mark.parametrize(("of", "expected"), EITHER)
def test_both_ends_are_offered_together(of: File, expected: tuple[Any, Any]) -> None:
    made = _on(of)
    actual = [value(f"fd.{name}", made) for name in ("ip", "net", "port", "proto")]
    assert [expected[0], expected[0], expected[1], expected[1]] == actual


@pytest.mark.parametrize("name", ["fd.ip", "fd.net", "fd.port", "fd.proto"])
def test_either_end_is_enough_where_both_are_offered(name: str) -> None:
    assert Match.ENDPOINTS is field(name).match


def test_host_names_come_from_whoever_resolved_them() -> None:
    names = Lookups()
    names.hosts = {SERVER: ("example.net", "example.org")}
    made, known = _on(connection()), registry(names)
    read = [value(f"fd.{end}ip.name", made, names) for end in "cslr"]
    shown = [known.resolve(f"fd.{end}ip.name", None, made.type).show(made) for end in "cslr"]
    assert [(None,), ("example.net", "example.org"), (None,), ("example.net", "example.org")] == read
    assert [None, "example.net", None, "example.net"] == shown


def test_an_ipv4_address_that_is_mapped_into_ipv6_has_the_names_of_the_ipv4_address() -> None:
    names = Lookups()
    names.hosts = {SERVER: ("example.org",)}
    mapped = b"\0" * 10 + b"\xff\xff" + SERVER
    made = _on(File(kind="ipv6", sock=SockTuple(10, bytes(15) + b"\1", 40001, mapped, 443), role="client"))
    assert ("example.org",) == value("fd.sip.name", made, names)


@pytest.mark.parametrize("of", [File(kind="unix"), File(kind=""), file()])
def test_what_is_no_end_has_no_host_either(of: File) -> None:
    assert [None] * 4 == [value(f"fd.{end}ip.name", _on(of)) for end in "cslr"]


FIELDS = (
    "l4proto", "sockfamily", "connected", "name_changed", "dev", "dev.major", "dev.minor", "ino", "is_upper_layer"
)  # fmt: skip
PROPERTIES = [
    (file(dev=8 << 20 | 19, ino=555), ("<NA>", None, False, False, 0x813, 8, 19, 555, False)),
    (
        file(dev=253 << 20 | 259, ino=(1 << 63) + 5),
        ("<NA>", None, False, False, 0x10FD03, 253, 259, -(1 << 63) + 5, False),
    ),
    (file(upper_layer=True), ("<NA>", None, False, False, 0, 0, 0, 0, True)),
    (connection(name_changed=True), ("tcp", "ip", True, True, 0, 0, 0, 0, False)),
    (File(kind="ipv6"), ("<NA>", "ip", False, False, 0, 0, 0, 0, False)),
    (File(kind="unix"), ("<NA>", "unix", False, False, 0, 0, 0, 0, False)),
    (File(kind=""), (None,) * 9),
]


@pytest.mark.parametrize(("of", "expected"), PROPERTIES)
def test_a_known_descriptor_has_its_properties(of: File, expected: tuple[Any, ...]) -> None:
    assert expected == tuple(value(f"fd.{name}", _on(of)) for name in FIELDS)


def test_an_unknown_descriptor_has_no_properties() -> None:
    made = named("read", fd=99)
    assert [None] * len(FIELDS) == [value(f"fd.{name}", made) for name in FIELDS]


def test_the_lower_layer_and_the_real_path_are_reported() -> None:
    made = _on(file(lower_layer=True, realpath="/real"))
    assert (True, "/real") == (value("fd.is_lower_layer", made), value("fd.realpath", made))


def test_where_the_real_path_is_not_known_the_name_stands_for_it() -> None:
    made = _on(file(name="/etc/shadow"))
    assert ("/etc/shadow", ("/etc/shadow",)) == (value("fd.realpath", made), value("fd.paths", made))


def test_the_paths_of_a_file_are_its_name_and_its_real_path() -> None:
    made = _on(file(name="/x/link", realpath="/etc/shadow"))
    assert ("/x/link", "/etc/shadow") == value("fd.paths", made)


def test_what_is_no_file_has_no_paths() -> None:
    assert value("fd.paths", _on(File(kind="pipe", name="x"))) is None


def test_the_thread_and_the_number_make_a_unique_text() -> None:
    assert "50003" == value("fd.uid", _on(file()))


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (None, (":/etc/passwd", ":/etc")),
        (Container("0123456789abcdef", "docker"), ("0123456789ab:/etc/passwd", "0123456789ab:/etc")),
    ],
)
def test_the_container_stands_before_the_name(container: Container | None, expected: tuple[str, str]) -> None:
    made = _on(file("/etc/passwd"), process=process(container=container))
    assert expected == (value("fd.containername", made), value("fd.containerdirectory", made))


def test_the_kinds_of_all_descriptors_come_once_each() -> None:
    files = {0: file(), 1: File(kind="pipe"), 2: file(), 3: File(kind="unknown")}
    assert ("<NA>", "file", "pipe") == value("fd.types", named("read", fd=3, files=files))


def test_the_kind_of_one_descriptor_can_be_asked_for() -> None:
    made = named("read", fd=3, files={1: File(kind="pipe")})
    assert (("pipe",), None) == (value("fd.types[1]", made), value("fd.types[9]", made))


def test_events_without_descriptor_have_no_kinds() -> None:
    assert [None, None] == [value("fd.types", named("kill")), value("fd.types", named("read", fd=None))]


LISTS = ("nums", "names", "cips", "sips", "cports", "sports")
POLLED = {3: file("/tmp/a"), 4: connection()}
POLLS = [
    (
        event("poll", 1, ((3, 1), (4, 0x44), (9, 8)), -1, files=POLLED),
        ("3,4,9", "/tmp/a,10.20.30.40:40001->203.0.113.1:443,<NA>", "10.20.30.40", "203.0.113.1", "40001", "443"),
    ),
    (event("ppoll", 0, (), 1, 0), (None,) * 6),
    (event("poll", 0, None, 1), (None,) * 6),
    (event("select", 0), (None,) * 6),
]


@pytest.mark.parametrize(("made", "expected"), POLLS)
def test_polled_descriptors_are_listed(made: SyscallEvent, expected: tuple[str | None, ...]) -> None:
    assert expected == tuple(value(f"fdlist.{name}", made) for name in LISTS)


def test_a_table_is_read_as_it_was_at_the_event() -> None:
    made = event("poll", 1, ((3, 1),), -1, files={3: file("/tmp/a")}, num=7)
    assert made.process is not None
    made.process.files.put(3, msgspec.structs.replace(file("/tmp/b")), 8)
    assert "/tmp/a" == value("fdlist.names", made)
