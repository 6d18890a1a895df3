"""Requests of io_uring are reported as the events of the calls that they stand for."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import btf, uring
from mozu.plugins.sources.ebpf.objects import codegen, kernel_structs
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.plugins.sources.test_ebpf_calls import values
from tests.support import requirements
from tests.support.acts import io_uring
from tests.support.live import Act, Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

TYPES = (
    *("openat", "openat2", "unlinkat", "renameat2", "mkdirat", "symlinkat", "linkat", "close", "shutdown"),
    *("socket", "connect", "bind", "listen", "accept4", "sendto", "sendmsg", "recvfrom", "procexit"),
)
DIRECT = 1 << 30


@pytest.fixture(scope="module")
@needs_live
def live() -> Iterator[Live]:
    """Yield a source for the types of these tests alone: it must keep up while others work."""
    requirements.ebpf()
    reason = uring.why_not(codegen.read_types())
    requirements.require(not reason, reason)
    disabled = Path("/proc/sys/kernel/io_uring_disabled")
    requirements.require(not disabled.exists() or disabled.read_text().strip() == "0", "io_uring is switched off")
    with Live(EbpfSource(64 << 20, context()), demand(*TYPES, state_dependencies=("realpath",))) as running:
        yield running


@pytest.fixture
def server() -> Iterator[int]:
    """Yield a port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def requested(act: Act, name: str) -> SyscallEvent:
    """Return the last event of this type that was a request."""
    return [event for event in act.of(name) if event.entry_path == "io_uring"][-1]


@pytest.mark.parametrize("setup", [0, io_uring.SQPOLL], ids=["entered", "polled"])
def test_an_open_reports_where_it_led(live: Live, tmp_path: Path, setup: int) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    act = live.act(io_uring.opened, "link", str(tmp_path), 0, setup)

    event = requested(act, "openat")
    assert event.file is not None
    assert (event.args[:3], event.fd) == ((act.value, -100, "link"), act.value)
    assert (event.file.name, event.file.realpath) == (str(tmp_path / "link"), str(tmp_path / "real"))
    assert (event.pid, event.tid) == (act.pid, act.pid)


def test_the_second_request_of_a_ring_with_large_entries_is_read_where_it_lies(live: Live, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).touch()
    act = live.act(io_uring.opened_in_turn, ["first", "second"], str(tmp_path), io_uring.SQE128)

    opened = [event for event in act.of("openat") if event.entry_path == "io_uring"]
    assert [(event.args[0], event.args[2]) for event in opened] == [*zip(act.value, ("first", "second"), strict=True)]


def test_a_failed_open_reports_the_error_and_the_name(live: Live, tmp_path: Path) -> None:
    event = requested(live.act(io_uring.opened, "nothing", str(tmp_path)), "openat")

    assert event.file is not None
    assert (event.args[0], event.file.name) == (-errno.ENOENT, str(tmp_path / "nothing"))


def test_a_created_file_is_reported_as_created(live: Live, tmp_path: Path) -> None:
    event = requested(live.act(io_uring.opened, "new", str(tmp_path), 0o101), "openat")

    assert values("openat", event.args)["mode"] == 0o600
    assert event.args[0] >= 0
    assert (tmp_path / "new").exists()


def test_a_path_that_is_overwritten_meanwhile_is_reported_as_it_was_submitted(live: Live, tmp_path: Path) -> None:
    (tmp_path / "first").touch()
    path, other = str(tmp_path / "first"), str(tmp_path / "other")
    event = requested(live.act(io_uring.opened_and_overwritten, path, other), "openat")

    assert (event.args[2], event.args[0] >= 0) == (path, True)


def test_openat2_reports_how(live: Live, tmp_path: Path) -> None:
    act = live.act(io_uring.opened2, str(tmp_path), 0o200000, 0x04)

    event = requested(act, "openat2")
    found = values("openat2", event.args)
    assert (found["fd"], found["name"]) == (act.value, str(tmp_path))
    assert event.file is not None
    assert event.file.kind == "directory"


@pytest.mark.parametrize(
    ("operation", "name", "one", "two", "expected"),
    [
        ("unlinkat", "unlinkat", "file", "", ("first", "file")),
        ("mkdirat", "mkdirat", "made", "", ("first", "made", 0o700)),
        ("renameat", "renameat2", "file", "new", ("first", "file", "second", "new")),
        ("linkat", "linkat", "file", "new", ("first", "file", "second", "new")),
        ("symlinkat", "symlinkat", "target", "new", ("target", "second", "new")),
    ],
)
def test_names_relative_to_directories(
    live: Live, tmp_path: Path, operation: str, name: str, one: str, two: str, expected: tuple[object, ...]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    act = live.act(io_uring.between, operation, str(tmp_path), str(tmp_path / "other"), one, two)

    event = requested(act, name)
    wanted = tuple(act.value.get(part, part) if isinstance(part, str) else part for part in expected)
    assert (act.value["result"], event.args[: len(wanted) + 1]) == (0, (0, *wanted))
    assert str(tmp_path) in "".join(base or "" for base in event.observed.bases)


@pytest.mark.parametrize("setup", [0, io_uring.SQPOLL], ids=["entered", "polled"])
def test_a_connection_reports_both_ends_and_the_first_bytes(live: Live, server: int, setup: int) -> None:
    act = live.act(io_uring.connect, server, setup)

    event = requested(act, "connect")
    assert event.file is not None
    assert event.file.sock is not None
    assert (event.args[0], event.args[2], event.file.sock.dport) == (0, act.value["fd"], server)
    assert requested(act, "socket").args[1:4] == (2, 1, 0)
    sent = requested(act, "sendto")
    assert (sent.args[0], sent.args[1]) == (5, b"hello")


def test_a_refused_connection_reports_the_address_that_was_asked_for(live: Live) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    event = requested(live.act(io_uring.connect, port), "connect")

    assert (event.args[0], event.args[3].port) == (-errno.ECONNREFUSED, port)


def test_a_server_reports_its_client_and_what_it_received(live: Live) -> None:
    act = live.act(io_uring.served)

    known = act.value
    accepted = requested(act, "accept4")
    assert accepted.file is not None
    assert accepted.file.sock is not None
    assert (accepted.args[0], accepted.file.sock.sport, accepted.file.sock.dport) == (
        known["fd"], known["client"], known["port"],
    )  # fmt: skip
    received = requested(act, "recvfrom")
    assert (received.args[0], received.args[1]) == (8, b"good day")
    assert requested(act, "listen").args[:3] == (0, known["server"], 5)
    assert requested(act, "bind").args[0] == 0
    assert requested(act, "shutdown").args[:2] == (0, known["fd"])
    assert requested(act, "close").args == (0, known["fd"])


def test_a_request_that_accepts_every_connection_reports_each(live: Live) -> None:
    act = live.act(io_uring.accepted_twice)

    made = [event for event in act.of("accept4") if event.entry_path == "io_uring"]
    assert [event.args[0] for event in made[:2]] == act.value
    assert all(event.file is not None and event.file.sock is not None for event in made[:2])


def test_a_message_in_parts_reports_its_whole_length_and_its_first_bytes(live: Live, server: int) -> None:
    act = live.act(io_uring.message, server, [b"hello", b" and world"])

    event = requested(act, "sendmsg")
    assert (act.value, event.args[:2], event.args[3]) == (15, (15, b"hello and world"), 15)


def test_descriptors_of_the_ring_s_own_table_count_from_two_to_the_thirtieth(
    live: Live, tmp_path: Path, server: int
) -> None:
    (tmp_path / "file").touch()
    act = live.act(io_uring.own_table, str(tmp_path / "file"), server)

    opened, connected = requested(act, "openat"), requested(act, "connect")
    assert (act.value, opened.args[0], opened.args[2]) == ((0, 0), DIRECT | 3, str(tmp_path / "file"))
    assert connected.file is not None
    assert connected.file.sock is not None
    assert (connected.fd, connected.file.sock.dport) == (DIRECT | 5, server)


def test_a_request_that_asks_for_no_completion_is_reported_at_its_submission(live: Live, tmp_path: Path) -> None:
    event = requested(live.act(io_uring.silent, str(tmp_path / "made")), "mkdirat")

    assert event.args[:3] == (0, -100, str(tmp_path / "made"))


def test_requests_whose_completions_find_no_room_are_reported(live: Live, tmp_path: Path) -> None:
    act = live.act(io_uring.overflowing, str(tmp_path), 12)

    made = [event.args[2] for event in act.of("mkdirat") if event.args[2].startswith(f"{tmp_path}/")]
    assert sorted(made) == sorted(f"{tmp_path}/{number}" for number in range(12))


def test_what_nobody_demands_is_not_seen(tmp_path: Path, live: Live) -> None:
    requirements.ebpf()
    with Live(EbpfSource(1 << 20, context()), demand("procexit")) as other:
        before = other.act(io_uring.mkdir, str(tmp_path / "1"))
        other.update(demand("mkdirat", "procexit"))
        after = other.act(io_uring.mkdir, str(tmp_path / "2"))
        other.update(demand("openat", "procexit"))
        last = other.act(io_uring.mkdir, str(tmp_path / "3"))
        other.stop()
        found = other.source.counts()["mkdirat"]

    assert [act.value for act in (before, after, last)] == [0, 0, 0]
    assert [len(act.of("mkdirat")) for act in (before, after, last)] == [0, 1, 0]
    assert found.seen == found.filtered + found.lost + (found.missed or 0) + found.received


def test_every_operation_stands_for_a_call_of_the_kernel() -> None:
    assert len(dict(uring.entries(SYSCALL_SPECS.keys()))) == len(uring.OPERATIONS)
    assert uring.types() <= SYSCALL_SPECS.keys()


class OtherKernel(btf.Btf):
    """BTF of this kernel with other parameters of a tracepoint."""

    def __init__(self, tracepoint: str, parameters: tuple[str, ...] | None) -> None:
        blob = btf.BTF_FILE.read_bytes()
        super().__init__(blob, kernel_structs.CAST_TO, uring.ITERATORS)
        self._other = {f"__traceiter_{tracepoint}": parameters}

    def parameters(self, name: str) -> tuple[str, ...] | None:
        return self._other.get(name, super().parameters(name))


@pytest.mark.parametrize(
    ("tracepoint", "parameters", "reason"),
    [
        ("io_uring_complete", None, "this kernel has no tracepoint io_uring_complete"),
        (
            "io_uring_complete", ("__data", "req", "res"),
            "the tracepoint io_uring_complete of this kernel has other parameters (req, res)",
        ),
        ("io_uring_complete", ("__data", "ctx", "req", "user_data", "res", "cflags", "extra1", "extra2"), ""),
        ("io_uring_complete", ("__data", "ctx", "req", "cqe"), ""),
    ],
)  # fmt: skip
def test_a_kernel_whose_tracepoints_have_other_parameters_is_reported(
    tracepoint: str, parameters: tuple[str, ...] | None, reason: str
) -> None:
    assert uring.why_not(OtherKernel(tracepoint, parameters)) == reason
