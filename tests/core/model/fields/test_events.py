import time
from typing import Any

import pytest

from mozu.core.errors import UnknownField
from mozu.core.model.event import DataEvent, File, SyscallEvent
from mozu.core.model.fields import Lookups
from tests.core.model.fields.making import (
    SECOND,
    TIME,
    connection,
    event,
    field,
    file,
    named,
    process,
    registry,
    value,
)

SOCKET = File(kind="unix", name="/run/x")
PIPE = File(kind="pipe")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


MOMENTS = [
    ("evt.num", 7),
    ("evt.time", "00:00:00.003000000"),
    ("evt.time.s", "00:00:00"),
    ("evt.time.iso8601", "2026-01-01T00:00:00.003000000+0000"),
    ("evt.datetime", "2026-01-01 00:00:00.003000000"),
    ("evt.datetime.s", "2026-01-01 00:00:00"),
    ("evt.outputtime", "00:00:00.003000000"),
    ("evt.rawtime", TIME),
    ("evt.rawtime.s", TIME // SECOND),
    ("evt.rawtime.ns", 3_000_000),
    ("evt.latency", 0),
    ("evt.latency.s", 0),
    ("evt.latency.ns", 0),
    ("evt.latency.quantized", 0),
    ("evt.latency.human", "0ns"),
    ("evt.wait_latency", 0),
    ("evt.source", "syscall"),
    ("evt.type", "kill"),
    ("syscall.type", "kill"),
    ("evt.dir", "<"),
    ("evt.cpu", 3),
    ("evt.count", 1),
    ("evt.count.exit", 1),
    ("evt.is_async", False),
    ("evt.is_io_uring", False),
    ("evt.is_compat32", False),
    ("evt.asynctype", None),
    ("evt.pluginname", None),
    ("evt.plugininfo", None),
    ("evt.hostname", None),
]


@pytest.mark.parametrize(("reference", "expected"), MOMENTS)
def test_what_every_event_has(reference: str, expected: Any) -> None:
    assert expected == value(reference, event("kill", 0, 1, 9, cpu=3))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("io_uring", (True, False, False)),
        ("io_uring_submitted", (True, True, False)),
        ("compat32", (False, False, True)),
        ("", (False, False, False)),
    ],
)
def test_the_entry_path_of_a_call(path: str, expected: tuple[bool, bool, bool]) -> None:
    made = event("kill", 0, 1, 9)
    made.entry_path = path
    found = (value(f"evt.{name}", made) for name in ("is_io_uring", "is_assumed", "is_compat32"))
    assert expected == tuple(found)


def test_the_machine_has_the_name_that_it_was_given() -> None:
    names = Lookups()
    names.hostname = "node-a"
    assert "node-a" == value("evt.hostname", event("kill", 0, 1, 9), names)


def test_relative_times_count_from_the_first_event_of_the_run() -> None:
    names = Lookups()
    names.first_time = TIME - 2 * SECOND - 5
    made = event("kill", 0, 1, 9)
    parts = [value(f"evt.reltime{part}", made, names) for part in ("", ".s", ".ns")]
    assert [2 * SECOND + 5, 2, 5] == parts


def test_without_a_known_beginning_the_first_event_read_is_the_beginning() -> None:
    fields = registry()
    read = fields.resolve("evt.reltime").read
    assert [0, 9] == [read(event("kill", time=TIME)), read(event("kill", time=TIME + 9))]


def test_delta_times_count_from_the_event_that_was_read_before_whatever_its_type() -> None:
    fields = registry()
    made = [event("kill", time=TIME, num=1), event("openat", time=TIME + 3 * SECOND + 7, num=2)]
    read = [
        [fields.resolve(f"evt.deltatime{part}", None, one.type).read(one) for one in made] for part in ("", ".s", ".ns")
    ]
    assert [[0, 3 * SECOND + 7], [0, 3], [0, 7]] == read


def test_a_delta_time_is_the_same_when_it_is_read_again_for_an_output() -> None:
    fields = registry()
    made = [event("kill", time=TIME + number, num=number) for number in range(1, 4)]
    judged = [fields.resolve("evt.deltatime").read(one) for one in made]
    assert judged == [fields.resolve("evt.deltatime").read(one) for one in made] == [0, 1, 1]


def test_each_reference_to_the_counter_counts_for_itself() -> None:
    fields = registry()
    first, second = fields.resolve("util.cnt").read, fields.resolve("util.cnt").read
    made = event("kill")
    assert [1, 2, 1] == [first(made), first(made), second(made)]


@pytest.mark.parametrize(("distance", "expected"), [(0, 0), (1, 1), (1_000_000, 1), (-1_000_001, 2)])
def test_around_gives_the_distance_in_milliseconds_rounded_up(distance: int, expected: int) -> None:
    assert expected == value(f"evt.around[{TIME + distance}]", event("kill", 0, 1, 9))


def test_around_wants_a_time() -> None:
    with pytest.raises(UnknownField, match=r"evt.around\[noon\]"):
        registry().resolve("evt.around", "noon")


@pytest.mark.parametrize(("name", "expected"), [("kill", 1), ("openat", 0)])
def test_a_type_can_be_asked_for_by_name(name: str, expected: int) -> None:
    assert expected == value(f"evt.type.is.{name}", event("kill", 0, 1, 9))


def test_a_type_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownField, match="no event type has this name"):
        registry().resolve("evt.type.is.no_such")


@pytest.mark.parametrize("kind", ["container", "procexit", "switch"])
def test_events_that_are_no_calls_have_no_call(kind: str) -> None:
    assert None is value("syscall.type", named(kind))


CATEGORIES = [
    (event("openat"), "file"),
    (event("socket"), "net"),
    (event("pipe"), "IPC"),
    (event("mmap"), "memory"),
    (event("execve"), "process"),
    (event("reboot"), "other"),
    (event("procexit"), "process"),
    (event("nanosleep"), "sleep"),
    (event("drop"), "internal"),
    (event("read", fd=3, file=file()), "file"),
    (event("dup", fd=3, file=File(kind="directory", name="/")), "file"),
    (event("write", fd=3, file=connection()), "net"),
    (event("write", fd=3, file=SOCKET), "ipc"),
    (event("close", fd=3, file=PIPE), "ipc"),
    (event("read", fd=3, file=File(kind="timerfd")), "unknown"),
    (event("read", fd=3), "unknown"),
]


@pytest.mark.parametrize(("made", "expected"), CATEGORIES)
def test_the_category_comes_from_the_table_or_the_descriptor(made: SyscallEvent, expected: str) -> None:
    assert expected == value("evt.category", made)


TRAITS = [
    ("openat", (False, False, False, None, False)),
    ("read", (True, True, False, "read", False)),
    ("write", (True, False, True, "write", False)),
    ("copy_file_range", (True, True, True, "write", False)),
    ("poll", (False, False, False, None, True)),
]


@pytest.mark.parametrize(("kind", "expected"), TRAITS)
def test_traits_show_what_a_call_does(kind: str, expected: tuple[Any, ...]) -> None:
    names = ("is_io", "is_io_read", "is_io_write", "io_dir", "is_wait")
    assert expected == tuple(value(f"evt.{name}", named(kind)) for name in names)


@pytest.mark.parametrize(
    ("kind", "name", "expected"), [("write", "/dev/log", True), ("read", "/dev/log", False), ("sendto", "/x", False)]
)
def test_writing_to_the_syslog_is_seen(kind: str, name: str, expected: bool) -> None:
    assert expected is value("evt.is_syslog", named(kind, fd=3, file=File(kind="unix", name=f"1->2 {name}")))


RESULTS = [
    (event("kill", 0), ("SUCCESS", 0, False)),
    (event("openat", 3), ("SUCCESS", 3, False)),
    (event("openat", -2), ("ENOENT", -2, True)),
    (event("write", -4000), ("-4000", -4000, True)),
    (event("brk", (1 << 64) - 12), ("ENOMEM", -12, True)),
    (event("getuid", 1000), ("SUCCESS", 1000, False)),
    (event("reboot"), (None, None, None)),
    (event("getpeername"), (None, None, None)),
    (event("procexit", 0, 0, 0, 0, 0), (None, None, None)),
    (event("kill"), (None, None, None)),
]


@pytest.mark.parametrize(("made", "expected"), RESULTS)
def test_the_first_parameter_is_the_result(made: SyscallEvent, expected: tuple[Any, ...]) -> None:
    assert expected == tuple(value(f"evt.{name}", made) for name in ("res", "rawres", "failed"))


COUNTERS = [
    (event("openat", -2, fd=-1), "file", 1),
    (event("openat", -2, fd=-1, file=File(kind="", name="/x")), "file", 1),
    (event("read", 3, fd=3, file=file()), "file", 0),
    (event("connect", -111, fd=3, file=connection()), "net", 1),
    (event("accept4", -11, fd=-1), "net", 1),
    (event("sendto", 5, fd=3, file=SOCKET), "net", 0),
    (event("mmap", -12), "memory", 1),
    (event("kill", -1), "other", 1),
    (event("read", -11, fd=3, file=PIPE), "other", 1),
    (event("reboot"), "none", None),
]


@pytest.mark.parametrize(("made", "counted", "expected"), COUNTERS)
def test_each_error_is_counted_in_one_class(made: SyscallEvent, counted: str, expected: int | None) -> None:
    classes = ("file", "net", "memory", "other")
    actual = [value("evt.count.error", made)] + [value(f"evt.count.error.{name}", made) for name in classes]
    assert [expected] + [expected if name == counted else None for name in classes] == actual


def test_regular_reports_are_counted_per_process_and_per_thread() -> None:
    main, thread, other = event("procinfo", 1, 2), event("procinfo", 1, 2, tid=5001), event("kill", 0, 1, 9)
    counted = [
        (value("evt.count.procinfo", made), value("evt.count.threadinfo", made)) for made in (main, thread, other)
    ]
    assert [(1, 1), (0, 1), (0, 0)] == counted


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (event("write", 3, b"a\n\0", 3, 3), b"a\n\0"),
        (event("read", 0, b"", 3, 3), None),
        (event("recvfrom", 3, None, None, 3, 3), None),
        (event("openat", 3, -100, "/x", 0, 0, 0, 0), None),
    ],
)
def test_the_buffer_holds_what_was_moved(made: SyscallEvent, expected: bytes | None) -> None:
    assert expected == value("evt.buffer", made)


BUFFERS = [
    (event("read", 3, b"abc", 3, 9, fd=3, file=file()), {"", ".in", ".file", ".file.in"}),
    (event("write", 3, b"abc", 3, 9, fd=3, file=file()), {"", ".out", ".file", ".file.out"}),
    (event("read", 3, b"abc", 3, 9, fd=3, file=connection()), {"", ".in", ".net", ".net.in"}),
    (event("sendto", 3, b"abc", 3, 9, None, fd=3, file=connection()), {"", ".out", ".net", ".net.out"}),
    (event("write", 3, b"abc", 3, 9, fd=3, file=PIPE), {"", ".out"}),
    (event("write", -9, b"abc", 3, 9, fd=3, file=PIPE), set()),
    (event("write", 3, b"abc", 99, 9, fd=99), set()),
    (event("openat", 3, -100, "/x", 0, 0, 0, 0, fd=3, file=file()), set()),
]


@pytest.mark.parametrize(("made", "expected"), BUFFERS)
def test_lengths_are_reported_by_direction_and_kind(made: SyscallEvent, expected: set[str]) -> None:
    parts = ("", ".in", ".out", ".file", ".file.in", ".file.out", ".net", ".net.in", ".net.out")
    assert expected == {part for part in parts if value(f"evt.buflen{part}", made) == 3}


OPENINGS = [
    (named("openat", flags=1), (True, False, False, False)),
    (named("open", flags=2), (False, True, False, False)),
    (named("openat2", flags=3), (True, True, False, False)),
    (named("openat", flags=0x6, mode=0o755), (False, True, True, False)),
    (named("openat", flags=0x2, mode=0o755), (False, True, False, False)),
    (named("openat", flags=0x4006, mode=0o644), (False, True, False, True)),
    (named("openat", flags=0x2001, mode=0o700), (True, False, True, True)),
    (event("openat", -2, -100, "/d", 0x2401, 0, 0, 0, fd=-1), (True, False, False, False)),
    (named("open_by_handle_at", flags=1), (True, False, False, False)),
    (named("creat", mode=0o755), (False, False, True, False)),
    (named("creat", mode=0o644), (False, False, False, False)),
    (named("read"), (False, False, False, False)),
]


@pytest.mark.parametrize(("made", "expected"), OPENINGS)
def test_flags_and_mode_tell_what_an_open_was_for(made: SyscallEvent, expected: tuple[bool, ...]) -> None:
    assert expected == tuple(value(f"evt.is_open_{name}", made) for name in ("read", "write", "exec", "create"))


FILES = {5: File(kind="directory", name="/var/d")}
ABSOLUTES = [
    (event("openat", 3, -100, "a", 1, 0, 0, 0, files=FILES), ("/home/mira/a",) * 3),
    (event("openat", 3, 5, "a", 1, 0, 0, 0, files=FILES), ("/var/d/a",) * 3),
    (event("openat2", 3, 5, "/x/../a", 1, 0, 0, 0, files=FILES), ("/a",) * 3),
    (event("openat", 3, 8, "a", 1, 0, 0, 0, files=FILES), ("<UNKNOWN>/a",) * 3),
    (event("openat", 3, 5, None, 1, 0, 0, 0, files=FILES), (None,) * 3),
    (event("renameat", 0, 5, "a", -100, "b", files=FILES), ("/var/d/a", "/var/d/a", "/home/mira/b")),
    (event("renameat2", 0, -100, "a", 5, "b", 0, files=FILES), ("/home/mira/a", "/home/mira/a", "/var/d/b")),
    (event("linkat", -17, 5, "a", 5, "../b", 0, files=FILES), ("/var/d/a", "/var/d/a", "/var/b")),
    (event("symlinkat", 0, "/t", 5, "l", files=FILES), ("/var/d/l",) * 3),
    (event("unlinkat", 0, 5, "u", 0, files=FILES), ("/var/d/u",) * 3),
    (event("mkdirat", 0, 5, "m", 0, files=FILES), ("/var/d/m",) * 3),
    (event("fchmodat", 0, 5, "c", 0, files=FILES), ("/var/d/c",) * 3),
    (event("fchownat", 0, 5, "c", 0, 0, 0, files=FILES), ("/var/d/c",) * 3),
    (event("open_by_handle_at", 3, 5, 1, "/x", 0, 0, files=FILES), ("/x",) * 3),
    (event("rename", 0, "a", "b", files=FILES), (None,) * 3),
    (event("newfstatat", 0, 5, "s", 0, files=FILES), (None,) * 3),
]


@pytest.mark.parametrize(("made", "expected"), ABSOLUTES)
def test_paths_of_directory_descriptors_become_absolute(made: SyscallEvent, expected: tuple[str | None, ...]) -> None:
    assert expected == tuple(value(f"evt.abspath{part}", made) for part in ("", ".src", ".dst"))


def test_an_absolute_path_has_no_other_parts() -> None:
    with pytest.raises(UnknownField, match=r"evt.abspath.mid"):
        registry().resolve("evt.abspath.mid", None, "openat")


def test_reports_of_the_container_engine_are_taken_apart() -> None:
    text = "Event:start; ID: 0123456789abcdef;Name:web ; Image:nginx"
    made = event("infra", "docker", "start", text, "")
    parts = ("name", "container.id", "container.name", "container.image")
    assert ["start", "0123456789ab", "web", "nginx"] == [value(f"evt.infra.docker.{part}", made) for part in parts]


def test_a_report_without_the_part_has_no_value() -> None:
    assert None is value("evt.infra.docker.name", event("infra", "docker", "start", None, ""))


def test_other_events_have_no_report() -> None:
    assert None is value("evt.infra.docker.name", event("kill", 0, 1, 9))


def test_events_of_log_sources_have_their_own() -> None:
    made = DataEvent(source="k8s_audit", type="create", time=TIME, num=1, data={"verb": "create"})
    read = [
        registry().resolve(f"evt.{name}").read(made)
        for name in ("source", "pluginname", "plugininfo", "is_async", "num", "time")
    ]
    assert ["k8s_audit", "k8saudit", '{"verb":"create"}', False, 1, "00:00:00.003000000"] == read


def test_messages_of_the_monitor_are_asynchronous() -> None:
    made = event("container", "{}")
    assert [True, "container"] == [value("evt.is_async", made), value("evt.asynctype", made)]


def test_events_of_unknown_types_read_as_missing() -> None:
    made = event("no_such_event", 1)
    read = [registry().resolve(name).read(made) for name in ("evt.args", "evt.res", "evt.category", "fd.name")]
    assert [None] * 4 == read


@pytest.mark.parametrize("name", ["evt.rawtime.ns", "evt.reltime", "evt.reltime.ns", "evt.deltatime.ns"])
def test_parts_of_a_second_print_with_leading_zeros(name: str) -> None:
    assert "padded" == field(name).format


def test_a_process_is_not_needed() -> None:
    made = event("openat", 3, -100, "a", 1, 0, 0, 0, process=process())
    made.process = None
    assert "<UNKNOWN>/a" == value("evt.abspath", made)
