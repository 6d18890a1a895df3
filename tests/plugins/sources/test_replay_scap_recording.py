"""Events of a recording, for every form its blocks can have."""

import gzip
import io
import struct
from typing import Any

import pytest

from mozu.core.model.event import SockAddr, SockTuple, SyscallEvent
from mozu.core.recording.lines import GroupLine, UserLine
from mozu.core.state.observed import Entered, KnownFile, KnownProcess, Seeded
from mozu.plugins.sources.replay.events import generic_calls
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.capture import EPOCH, SECTION, Capture, block, event, listed, str16, today

OPENAT = today("openat").id


def read(raw: bytes) -> list[SyscallEvent]:
    return [item for batch in ScapRecording(io.BytesIO(raw), "test").batches() for item in batch]


def shown(raw: bytes) -> list[SyscallEvent]:
    return [item for item in read(raw) if not item.type.startswith("_")]


def one(capture: Capture) -> SyscallEvent:
    (event,) = shown(capture.raw())
    return event


def observed(raw: bytes, kind: str) -> list[Any]:
    return [item.observed for item in read(raw) if item.type == kind]


def test_an_event_carries_its_parameters_as_native_values() -> None:
    found = one(Capture().event("openat", 7, 3, -100, "/etc/passwd", 1, 0, 0x801, 42, cpu=1))
    assert (found.type, found.args) == ("openat", (3, -100, "/etc/passwd", 1, 0, 0x801, 42))


def test_an_event_carries_number_time_thread_processor_and_descriptor() -> None:
    found = one(Capture().event("openat", 7, 3, -100, "/etc/passwd", 1, 0, 0x801, 42, cpu=1, time=EPOCH))
    assert (found.num, found.time, found.tid, found.cpu, found.fd) == (1, EPOCH, 7, 1, 3)


def test_the_second_event_of_a_shape_reads_like_the_first() -> None:
    raw = Capture().event("openat", 7, 3, -100, "/a", 1, 0, 0, 1).event("openat", 8, 4, -100, "/b", 1, 0, 0, 2).raw()
    assert [item.args for item in shown(raw)] == [(3, -100, "/a", 1, 0, 0, 1), (4, -100, "/b", 1, 0, 0, 2)]


def test_every_old_end_of_a_call_gets_what_only_its_beginning_knew() -> None:
    raw = SECTION
    for fd, domain in ((3, 2), (4, 10)):
        raw += event(18, [struct.pack("<I", number) for number in (domain, 1, 6)]) + event(19, [struct.pack("<q", fd)])
    assert [item.args for item in shown(raw)] == [(3, 2, 1, 6, 0), (4, 10, 1, 6, 0)]


@pytest.mark.parametrize("pieces", [1, 2])
def test_absent_parameters_are_none_also_where_an_older_writer_left_them_out(pieces: int) -> None:
    params = [struct.pack("<q", 3), b"", b""][:pieces]
    (found,) = shown(SECTION + event(today("pipe").id, [struct.pack("<q", 0), *params]))
    assert found.args == (0, 3, None, None)


def test_parameters_that_a_newer_writer_appended_are_passed_over() -> None:
    (found,) = shown(SECTION + event(today("chdir").id, [struct.pack("<q", 0), b"/tmp\0", b"more"]))
    assert found.args == (0, "/tmp")


def test_an_empty_text_differs_from_an_absent_one() -> None:
    raw = Capture().event("chdir", 1, 0, "").event("chdir", 1, 0, None).raw()
    assert [item.args[1] for item in shown(raw)] == ["", None]


def test_a_text_ends_at_its_first_nul_and_keeps_every_other_byte() -> None:
    found = one(Capture().event("chdir", 1, 0, b"/\xff/x\0rest\0"))
    assert found.args[1] == "/\udcff/x"


def test_an_integer_of_a_wrong_width_is_absent() -> None:
    (found,) = shown(SECTION + event(today("chdir").id, [b"\0\0\0\0", b"/tmp\0"]))
    assert found.args == (None, "/tmp")


def test_socket_tuples_and_addresses_are_decoded() -> None:
    ends = SockTuple(2, b"\x0a\x00\x00\x01", 40000, b"\x08\x08\x08\x08", 53)
    found = one(Capture().event("connect", 1, 0, ends, 5, SockAddr(2, b"\x08\x08\x08\x08", 53)))
    assert found.args == (0, ends, 5, SockAddr(2, b"\x08\x08\x08\x08", 53))


def test_unix_tuples_keep_pointers_and_path() -> None:
    ends = SockTuple(1, path="/run/log", source_pointer=0xABC, dest_pointer=0xDEF)
    assert one(Capture().event("connect", 1, 0, ends, 5, SockAddr(1, path="/run/log"))).args[1] == ends


def test_a_tuple_that_is_too_short_is_absent() -> None:
    assert one(Capture().event("connect", 1, 0, b"\x02\x01\x02", 5, None)).args[1] is None


def test_poll_lists_are_pairs_of_descriptor_and_flags() -> None:
    found = one(Capture().event("poll", 1, 1, ((3, 1), (9, 8)), 1000))
    assert found.args[1] == ((3, 1), (9, 8))


def test_a_poll_list_that_claims_more_than_it_has_is_absent() -> None:
    assert one(Capture().event("poll", 1, 1, struct.pack("<HqH", 5, 3, 1), 1000)).args[1] is None


def test_dynamic_values_say_of_which_type_they_are() -> None:
    found = one(Capture().event("ptrace", 1, 0, b"\x00" + struct.pack("<Q", 0xFF), b"\x01\x09", 1, 7))
    assert found.args[1:3] == (("uint64", 0xFF), ("signal", 9))


def test_calls_without_an_event_of_their_own_go_by_their_name() -> None:
    raw = Capture().event("syscall", 1, 2, 60, number=1).event("syscall", 1, 2, 60, number=1).raw()
    assert [item.type for item in shown(raw)] == ["exit", "exit"]


def test_a_call_that_was_recorded_without_parameters_has_all_of_its_type_absent() -> None:
    number = next(code for code, (name, _) in generic_calls().items() if name == "openat")
    found = one(Capture().event("syscall", 1, number, 257, number=1))
    assert (found.type, found.args) == ("openat", (None,) * 7)


def test_user_and_container_records_at_the_beginning_count_and_are_not_shown() -> None:
    capture = Capture().event("useradded", -1, 5, 5, "eve", "/home/eve", "/bin/sh", "").event("chdir", 1, 0, "/")
    assert one(capture).num == 2


def test_a_user_record_among_the_events_is_shown_and_ends_a_batch() -> None:
    capture = Capture().event("chdir", 1, 0, "/").event("useradded", -1, 5, 5, "eve", "/home/eve", "/bin/sh", "")
    recording = ScapRecording(io.BytesIO(capture.raw()), "test")
    known = [("", 5) in recording.metadata.user_table.users for _ in recording.batches()]
    assert known == [False, True]


def test_a_user_and_a_group_that_were_removed_are_so_in_a_recording_of_the_recording() -> None:
    recording = ScapRecording(io.BytesIO(SECTION), "test")
    table = recording.metadata.user_table
    for kind, args in (("user", (5, 5, "eve", "/home/eve", "/bin/sh", "")), ("group", (5, "eve", ""))):
        table.change(f"{kind}added", args)
        table.change(f"{kind}deleted", args)
    assert [*recording.metadata.entries()] == [UserLine("", 5, None), GroupLine("", 5, None)]


def test_the_beginning_of_an_open_reaches_the_state_alone() -> None:
    raw = Capture().event("openat", 7, -100, "/a", 1, 0, number=OPENAT - 1).raw()
    assert observed(raw, "_enter") == [Entered("openat", (-100, "/a", 1, 0))]


def test_events_newer_than_the_table_are_passed_over_without_a_number() -> None:
    raw = SECTION + block(0x216, struct.pack("<HQqIHI", 0, 1, 1, 26, 9999, 0)) + event(today("chdir").id, [])
    assert [(item.num, item.type) for item in shown(raw)] == [(1, "chdir")]


@pytest.mark.parametrize(("flags", "kind"), [(0, "chdir"), (1, "_unseen")])
def test_a_word_of_flags_can_keep_an_event_from_the_rules(flags: int, kind: str) -> None:
    body = struct.pack("<HIQqIHIHH", 0, flags, EPOCH, 7, 30, today("chdir").id, 2, 0, 0)
    assert read(SECTION + block(0x217, body))[-1].type == kind


def test_events_of_the_first_version_have_as_many_parameters_as_their_lengths_add_up_to() -> None:
    data = struct.pack("<HH", 8, 5) + struct.pack("<q", 0) + b"/tmp\0"
    body = struct.pack("<HQqIH", 0, EPOCH, 7, 22 + len(data), today("chdir").id) + data
    assert shown(SECTION + block(0x204, body))[0].args == (0, "/tmp")


def test_a_compressed_recording_reads_like_a_plain_one() -> None:
    capture = Capture().event("chdir", 1, 0, "/tmp")
    assert shown(capture.gzip()) == shown(capture.raw())


def test_several_compressed_members_are_one_recording_and_garbage_behind_them_is_ignored() -> None:
    raw = Capture().event("chdir", 1, 0, "/a").event("chdir", 1, 0, "/b").raw()
    packed = gzip.compress(raw[:50]) + gzip.compress(raw[50:]) + b"garbage"
    assert [item.args[1] for item in shown(packed)] == ["/a", "/b"]


def test_a_second_recording_in_the_same_file_starts_afresh_and_numbers_go_on() -> None:
    raw = Capture().process(5, "a").event("chdir", 5, 0, "/").raw()
    first = [("_process", 0), ("_seeded", 0), ("chdir", 1)]
    second = [("_reset", 1), ("_process", 1), ("_seeded", 1), ("chdir", 2)]
    assert [(item.type, item.num) for item in read(raw + raw)] == first + second


def test_user_records_at_the_beginning_of_a_second_recording_do_not_count() -> None:
    raw = Capture().event("useradded", -1, 5, 5, "eve", "/", "/bin/sh", "").event("chdir", 5, 0, "/").raw()
    assert [item.num for item in shown(raw + raw)] == [2, 3]


def test_options_of_the_section_header_are_passed_over() -> None:
    header = block(0x0A0D0D0A, SECTION[8:24] + struct.pack("<HH", 1, 4) + b"note" + bytes(4))
    assert len(shown(header + event(today("chdir").id, []))) == 1


def test_unknown_blocks_before_the_first_event_are_passed_over() -> None:
    assert len(shown(SECTION + block(0x777, b"whatever") + event(today("chdir").id, []))) == 1


def test_processes_seed_the_state_before_the_first_event() -> None:
    capture = Capture().process(5, "bash", args=("-l",), cwd="/root/", cgroups=("cpu=/a", "memory=/b"), tty=34816)
    (known,) = observed(capture.event("chdir", 5, 0, "/").raw(), "_process")
    expected = KnownProcess(
        ptid=1, sid=5, pgid=5, vpgid=5, vtid=5, vpid=5, name="bash", exe="/usr/bin/bash", exepath="/usr/bin/bash",
        args=("-l",), env=(), cwd="/root/", root="/", loginuid=0, tty=34816, cgroups=(("cpu", "/a"), ("memory", "/b")),
        fdlimit=1024, vm_size=100, vm_rss=50, pfmajor=1, pfminor=2,
    )  # fmt: skip
    assert known == expected


@pytest.mark.parametrize("version", range(1, 9))
def test_lists_of_processes_of_older_versions_are_read(version: int) -> None:
    body = struct.pack("<QQQ", 5, 5, 1)
    body += struct.pack("<Q", 4) if version >= 6 else b""
    body += struct.pack("<Q", 3) if version >= 8 else b""
    body += str16("bash") + str16("-bash") + (str16("/bin/bash (deleted)") if version >= 7 else b"")
    body += listed(("-l",)) + str16("/root") + struct.pack("<qIII", 1024, 0, 0, 0)
    body += struct.pack("<IIIQQ", 1, 2, 3, 4, 5) if version >= 2 else b""
    body += listed(("A=1",)) if version >= 3 else b""
    body += struct.pack("<qq", 6, 7) + listed(("cpu=/x",)) if version >= 4 else b""
    body += str16("/") if version >= 5 else b""
    kind = (0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214)[version - 1]
    raw = SECTION + block(kind, body + body) + event(today("chdir").id, [])
    (known,) = observed(raw, "_process")
    expected = ("bash", ("-l",), "/bin/bash" if version >= 7 else "", 4 if version >= 6 else -1)
    assert (known.name, known.args, known.exepath, known.sid) == expected


@pytest.mark.parametrize(
    ("tail", "loginuid", "tty", "pgid"),
    [
        (b"", -1, 0, -1),
        (struct.pack("<I", 1000), 1000, 0, -1),
        (struct.pack("<IBQQQ", 1000, 1, 1, 2, 3), 1000, 0, -1),
        (struct.pack("<QIIBQQQBQQQ", 9, 8, 1000, 1, 1, 2, 3, 1, 4, 5, 6), 1000, 8, -1),
        (struct.pack("<QIIBQQQBQQQBBq", 9, 8, 1000, 1, 1, 2, 3, 1, 4, 5, 6, 0, 1, 77), 1000, 8, 77),
    ],
)
def test_what_writers_appended_to_processes_over_the_years_is_reported_by_its_length(
    tail: bytes, loginuid: int, tty: int, pgid: int
) -> None:
    body = struct.pack("<QQQQQ", 5, 5, 1, 5, 5) + str16("a") + str16("a") + str16("/a") + listed(()) + str16("/")
    body += struct.pack("<qIII", 1024, 0, 0, 0) + struct.pack("<IIIQQ", 1, 2, 3, 4, 5) + listed(())
    body += struct.pack("<qq", 5, 5) + listed(()) + str16("/") + tail
    raw = SECTION + block(0x215, struct.pack("<I", len(body) + 4) + body) + event(today("chdir").id, [])
    (known,) = observed(raw, "_process")
    assert (known.loginuid, known.tty, known.pgid) == (loginuid, tty, pgid)


def test_descriptors_seed_the_state_after_their_process() -> None:
    raw = Capture().process(5, "a").files(5, (3, "/tmp/x")).event("chdir", 5, 0, "/").raw()
    (known,) = observed(raw, "_file")
    assert isinstance(known, KnownFile)
    assert (known.fd, known.file.kind, known.file.name, known.file.dev) == (3, "file", "/tmp/x", 8 << 20 | 1)


def test_descriptors_of_unlisted_threads_are_lost() -> None:
    assert observed(Capture().files(5, (3, "/tmp/x")).event("chdir", 5, 0, "/").raw(), "_file") == []


@pytest.mark.parametrize("version", [1, 2])
def test_sockets_among_the_descriptors_have_addresses_and_listeners_their_role(version: int) -> None:
    connected = struct.pack("<qQB", 4, 7, 3) + struct.pack("<4s4sHHB", b"\1\2\3\4", b"\5\6\7\x08", 1000, 80, 2)
    listening = struct.pack("<qQB", 5, 8, 5) + struct.pack("<4sHB", b"\0\0\0\0", 80, 2)
    entries = [connected, listening]
    if version == 2:
        entries = [struct.pack("<I", len(entry) + 4) + entry for entry in entries]
    body = struct.pack("<Q", 5) + b"".join(entries)
    raw = Capture().process(5, "a").add(block(0x203 if version == 1 else 0x218, body)).event("chdir", 5, 0, "/").raw()
    client, server = (known.file for known in observed(raw, "_file"))
    assert client.sock == SockTuple(2, b"\1\2\3\4", 1000, b"\5\6\7\x08", 80)
    assert (server.role, server.sock, server.l4proto) == ("listening", SockTuple(2, dest=bytes(4), dport=80), "tcp")


@pytest.mark.parametrize(("kind", "version"), [(1, 1), (3, 1), (1, 2), (3, 2)])
def test_addresses_of_interfaces_end_the_seeds(kind: int, version: int) -> None:
    speed = bytes(8 if kind == 1 else 0)
    entry = struct.pack("<HH4s4s4s", kind, 4, b"\x0a\0\0\1", bytes(4), bytes(4)) + speed + b"eth0"
    body = entry if version == 1 else struct.pack("<I", len(entry)) + entry
    raw = Capture().add(block(0x205 if version == 1 else 0x219, body)).event("chdir", 5, 0, "/").raw()
    assert observed(raw, "_seeded") == [Seeded((b"\x0a\0\0\1",))]


def test_an_empty_recording_has_no_events_and_is_no_error() -> None:
    assert read(Capture().machine().raw()) == []
