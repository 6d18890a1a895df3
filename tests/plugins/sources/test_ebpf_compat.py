"""32-bit calls are the same events as native ones."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import call_number
from mozu.plugins.sources.ebpf import entry_paths
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.plugins.sources.test_ebpf_calls import NUMBERS, PATHS, values
from tests.support import requirements
from tests.support.acts import changes, int80, raw
from tests.support.live import Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

OTHERWISE = {
    **dict.fromkeys(("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid"), "{}32"),
    **dict.fromkeys(("setfsuid", "setfsgid", "chown", "lchown"), "{}32"),
    "stat": "stat64",
    "lstat": "lstat64",
}
"""Native call → name of the 32-bit call with the same arguments."""


def i386_name(name: str) -> str:
    return OTHERWISE.get(name, name).format(name)


TYPES = (
    *PATHS,
    *NUMBERS,
    *("open", "openat", "openat2", "creat", "socket", "connect", "sendmsg", "execve", "procexit"),
)


@pytest.fixture(scope="module")
@needs_live
def live() -> Iterator[Live]:
    """Yield a source for the types of these tests alone: it must keep up while others work."""
    requirements.ebpf()
    requirements.require(entry_paths.accepts_32_bit_calls(), "this kernel takes no 32-bit calls")
    with Live(EbpfSource(64 << 20, context()), demand(*TYPES, state_dependencies=("realpath",))) as running:
        yield running


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Make two directories with the same files, one for each entry path."""
    made = tmp_path / "native", tmp_path / "int80"
    for one in made:
        (one / "empty").mkdir(parents=True)
        (one / "file").touch()
    return made


def reported(event: SyscallEvent) -> tuple[Any, ...]:
    return event.type, event.args


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("way_out", [0, 1], ids=["succeeds", "fails"])
def test_a_call_of_names(live: Live, places: tuple[Path, Path], name: str, way_out: int) -> None:
    given: Any = PATHS[name][way_out]
    native = live.act(changes.by_name, name, given, str(places[0])).last(name)
    event = live.act(int80.call, i386_name(name), given, str(places[1])).last(name)

    assert (reported(event), native.entry_path, event.entry_path) == (reported(native), "", "compat32")


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in ("bpf", "mprotect", "mlock")])
def test_a_call_of_numbers(live: Live, name: str) -> None:
    given: Any = NUMBERS[name][0]
    act = live.act(int80.call, i386_name(name), given)

    event = act.last(name)
    known = 1 if name == "unshare" else len(event.args)  # its flags are renumbered
    assert (event.args[:known], event.entry_path) == ((act.value, *given)[:known], "compat32")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("setuid", [0xFFFF], -1),
        ("setuid", [1234 | 7 << 16], 1234),
        ("setreuid", [0xFFFF, 0xFFFF], -1),
        ("chown", ["file", 0xFFFF, 3], 0xFFFFFFFF),
    ],
)
def test_ids_of_sixteen_bits_are_widened(
    live: Live, places: tuple[Path, Path], name: str, given: list[Any], expected: int
) -> None:
    event = live.act(int80.call, name, given, str(places[1])).last(name)

    assert next(v for v in event.args[1:] if isinstance(v, int)) == expected


@pytest.mark.parametrize("name", ["open", "openat", "openat2", "creat"])
def test_an_open_reports_where_it_led(live: Live, tmp_path: Path, name: str) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    how = (0o100000).to_bytes(8, "little") + bytes(16)
    given: dict[str, list[Any]] = {
        "open": ["link", 0], "openat": [-100, "link", 0], "openat2": [-100, "link", how, 24], "creat": ["link", 0o600],
    }  # fmt: skip
    event = live.act(int80.call, name, given[name], str(tmp_path)).last(name)

    assert event.file is not None
    assert (event.entry_path, event.file.name, event.file.realpath) == (
        "compat32", str(tmp_path / "link"), str(tmp_path / "real"),
    )  # fmt: skip
    assert event.fd is not None
    assert event.args[0] == event.fd >= 0


def test_a_failed_open_reports_the_error_and_the_name(live: Live, tmp_path: Path) -> None:
    event = live.act(int80.call, "openat", [-100, "nothing", 0], str(tmp_path)).last("openat")

    assert event.file is not None
    assert (event.args[0], event.file.name) == (-errno.ENOENT, str(tmp_path / "nothing"))


@pytest.fixture
def server() -> Iterator[int]:
    """Yield a port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("multiplexed", [False, True], ids=["own-call", "socketcall"])
def test_a_connection_reports_both_ends(live: Live, server: int, multiplexed: bool) -> None:
    act = live.act(int80.connect_multiplexed if multiplexed else int80.connect, server)

    event = act.last("connect")
    assert event.file is not None
    assert event.file.sock is not None
    assert (event.args[0], event.args[2], event.file.sock.dport) == (0, act.value["fd"], server)
    made = act.last("socket")
    assert (event.entry_path, made.entry_path, made.args[1:4]) == ("compat32", "compat32", (2, 1, 0))


def test_a_message_in_parts_reports_its_whole_length_and_its_first_bytes(live: Live, server: int) -> None:
    act = live.act(int80.message, server, [b"hello", b" and world"])

    event = act.last("sendmsg")
    assert (event.args[:4], event.entry_path) == ((act.value, b"hello and world", event.args[2], 15), "compat32")


def test_a_failed_exec_reports_its_arguments(live: Live) -> None:
    act = live.act(int80.call, "execve", ["/nonexistent", ["one", "two words", None], [None]])

    event = act.last("execve")
    found = values("execve", event.args)
    assert (found["res"], found["exe"], found["args"]) == (-errno.ENOENT, "one", b"two words\0")
    assert event.entry_path == "compat32"


def test_off_lets_them_pass(tmp_path: Path) -> None:
    with Live(EbpfSource(1 << 20, context(), "off"), demand("mkdir", "rmdir", "procexit")) as other:
        act = other.act(_mkdir_both, str(tmp_path))

    assert [(event.type, event.entry_path) for event in act.events if event.type != "procexit"] == [("rmdir", "")]


def test_a_new_demand_is_watched_there_too(tmp_path: Path) -> None:
    with Live(EbpfSource(1 << 20, context(), "on"), demand("procexit")) as other:
        before = other.act(_mkdir_both, str(tmp_path))
        other.update(demand("mkdir", "rmdir", "procexit"))
        after = other.act(_mkdir_both, str(tmp_path))
        other.update(demand("rmdir", "procexit"))
        last = other.act(_mkdir_both, str(tmp_path))
        other.stop()
        counted = other.source.counts()["mkdir"]

    found = [
        [(e.type, e.entry_path) for e in act.events if e.type in ("mkdir", "rmdir")] for act in (before, after, last)
    ]
    assert found == [[], [("mkdir", "compat32"), ("rmdir", "")], [("rmdir", "")]]
    assert counted.seen == counted.filtered + counted.lost + (counted.missed or 0) + counted.received


def _mkdir_both(place: str) -> None:
    """Call mkdir by the 32-bit ABI, rmdir by the native one."""
    int80.call("mkdir", [f"{place}/made", 0o700])
    raw.call("rmdir", f"{place}/made")


def test_every_entry_names_a_watched_call() -> None:
    assert entry_paths.compat_types() <= SYSCALL_SPECS.keys()
    assert len(list(entry_paths.compat_entries())) == entry_paths.COMPAT_ENTRIES
    assert not [name for name in entry_paths.UNREAD if call_number(name, "i386") is None]


@pytest.mark.parametrize("name", ["openat", "unlink", "creat"])
def test_the_first_32_bit_call_of_a_64_bit_process_is_seen_where_its_type_alone_is_watched(
    tmp_path: Path, name: str
) -> None:
    given: dict[str, list[Any]] = {"openat": [-100, "file", 0], "unlink": ["file"], "creat": ["file", 0o600]}
    (tmp_path / "file").touch()
    with Live(EbpfSource(8 << 20, context()), demand(name)) as live:
        event = live.act(int80.call, name, given[name], str(tmp_path)).last(name)

    assert (event.type, event.entry_path) == (name, "compat32")
