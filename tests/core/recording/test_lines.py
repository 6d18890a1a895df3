"""Events as lines and back: no change, and no invalid event is accepted."""

from typing import Any

import pytest

from mozu.core.model.event import DataEvent, Event, File, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.recording.decode import Malformed, RecordingDecoder, other
from mozu.core.recording.encode import RecordingEncoder
from mozu.core.recording.lines import DataLine, TypeLine, form_of, types_of
from mozu.core.state.observed import Bases, Descriptor, Entered, Executed, Forked, KnownProcess, Opened, ProcSnapshot

SOCK = SockTuple(2, b"\x7f\0\0\1", 40000, b"\x08\x08\x08\x08", 53)
UNSEEN = SyscallEvent("syscall", "close", 7, 3, 5, 5, args=(0, 3), observed=Opened("/x"))


def made(kind: str, *args: Any, num: int = 1, **more: Any) -> SyscallEvent:
    return SyscallEvent("syscall", kind, 1_700_000_000_000_000_001, num, 5, 4, 1, args, **more)


EVENTS = [
    made("openat", 3, -100, "/etc/passwd", 1, 0, 0, 42, fd=3, file=File("file", "/etc/passwd"), observed=Opened("/")),
    made("openat", -2, -100, None, 1, 0, 0, 0, fd=-1),
    made("openat", 3, -100, '/tmp/\udcff\udcfe ü \x00\n"', 1, 0, 0, 42, fd=3),
    made(
        "openat", 3, -100, "x", 1, 0, 0, 42, file=File("file", "/\udc80", sock=SOCK), observed=Opened("/\udc80", "/a")
    ),
    made("write", 5, b"\x00\xff\n[", 3, 5, file=File("ipv4", sock=SOCK), observed=Descriptor(File("ipv4", sock=SOCK))),
    made("connect", 0, SOCK, 4, SockAddr(1, path="\0abstract")),
    made("connect", 0, None, 4, None),
    made("poll", 1, ((3, 1), (4, 4)), 1000),
    made("poll", 1, (), 1000),
    made("prctl", 0, 15, "name", (1, "x"), (b"y", (2, 3))),
    made("ptrace", (1 << 64) - 1, -(1 << 63), 2, 3, 4),
    made("execve", 0, "sh", b"-c\0true\0", observed=Executed(sid=1, start=5), file=None),
    made("_fork", observed=Forked(7, 7, 1, 1, shares_files=True)),
    made("_looked", observed=ProcSnapshot(7, 7, KnownProcess(name="\udcff", env=("A=b",)), 3)),
    made("_looked", observed=ProcSnapshot(7)),
    made("unlinkat", 0, -100, "x", 0, observed=Bases(("/", None))),
    made("_enter", observed=Entered("connect", (4, SockAddr(2, b"\1\2\3\4", 5)))),
    made("_unseen", observed=UNSEEN),
    made("somebody_elses", 1.5, True, "x"),
]


def written(events: list[Event], encoder: RecordingEncoder | None = None, number: int = 0) -> list[bytes]:
    return b"".join((encoder or RecordingEncoder()).encode(events, number)).splitlines()


def read(lines: list[bytes]) -> list[SyscallEvent]:
    decoder, found = RecordingDecoder(), []
    for line in lines:
        if line.startswith(b"["):
            found.append(decoder.event(line))
        else:
            declared = other(line)
            assert isinstance(declared, TypeLine)
            decoder.declare(declared)
    return found


def test_events_come_back_as_they_were() -> None:
    assert read(written(list(EVENTS))) == EVENTS


def test_one_by_one_as_well_and_from_the_same_encoder_again() -> None:
    encoder = RecordingEncoder()
    for event in [*EVENTS, *EVENTS]:
        decoder = RecordingDecoder()
        assert decoder.event(written([event], encoder)[-1]) == event


def test_events_without_a_number_get_the_one_that_the_state_will_give_them() -> None:
    events: list[Event] = [made("close", 0, 3, num=0), made("_seeded", num=0), made("close", 0, 3, num=0)]
    assert [8, 8, 9] == [event.num for event in read(written(events, number=7))]


def test_documents_are_lines_of_their_own() -> None:
    document = {"kind": "Event", "items": [1, None, 2.5, "ü"]}
    (line,) = written([DataEvent("k8s_audit", "pluginevent", 5, 6, document)])
    assert DataLine("k8s_audit", "pluginevent", 5, 6, document) == other(line)


def test_what_no_line_can_hold_is_counted_and_costs_itself_only() -> None:
    encoder = RecordingEncoder()
    lines = written([made("close", object()), made("close", 0, 3), made("close", {1: 2})], encoder)
    assert (2, [made("close", 0, 3)]) == (encoder.unwritable, read(lines))


def test_parameters_are_found_by_name_where_the_table_has_changed() -> None:
    declared = TypeLine("openat", ("name", "fd", "gone"))
    decoder = RecordingDecoder()
    decoder.declare(declared)
    event = decoder.event(b'["openat","sin",1,1,5,5,0,null,["/x",3,null]]')
    kind = event_type("openat")
    assert kind is not None
    shown = dict(zip((param.name for param in kind.params), event.args, strict=True))
    assert ("/x", 3, None) == (shown["name"], shown["fd"], shown["flags"])


@pytest.mark.parametrize("form", ["", "i", "sbnta", "l", "(is)i", "((i)s)"])
def test_a_form_names_the_types_of_parameters(form: str) -> None:
    assert types_of(form) is not None


def test_a_form_is_made_of_values() -> None:
    assert "isbnta(is)l" == form_of((1, "", b"", None, SOCK, SockAddr(1), (1, "x"), ((1, 2),)))


@pytest.mark.parametrize(
    "line",
    [
        b"[",
        b"[]",
        b"{}",
        b"[1]",
        b'["close"]',
        b'["close","ii",1,1,5,5,0,3,[0]]',
        b'["close","is",1,1,5,5,0,3,[0,3]]',
        b'["close","ii",-1,1,5,5,0,3,[0,3]]',
        b'["close","ii",1,-1,5,5,0,3,[0,3]]',
        b'["close","(",1,1,5,5,0,3,[0]]',
        b'["close",")",1,1,5,5,0,3,[0]]',
        b'["close","z",1,1,5,5,0,3,[0]]',
        b'["close",":Nothing",1,1,5,5,0,3,[],null,{}]',
        b'["close",":Opened",1,1,5,5,0,3,[],null,{"base":3}]',
        b'["close","b",1,1,5,5,0,3,["no base64!"]]',
        b'["close","ii",1,1,4294967296,5,0,3,[0,3]]',
        b'["close","t",1,1,5,5,0,3,[{"family":"x"}]]',
        b'["_unseen",":Event",1,1,5,5,0,3,[],null,["close"]]',
        b'["x","' + b"(" * 600 + b'",1,1,5,5,0,3,[]]',
        b"\xff\xfe",
        b'["openat","s",1,1,5,5,0,3,["\\ud800\\ud800"]',
        b'{"line":"user"}',
        b'["_saved","",1,1,5,5,0,3,[]]',
        b'["_looked",":Opened",1,1,5,5,0,3,[],null,{}]',
        b'{"line":"nothing"}',
        b'{"line":"recording"}',
    ],
)
def test_what_is_no_line_is_refused_as_a_whole(line: bytes) -> None:
    with pytest.raises(Malformed, match=r"cannot be read|has the time"):
        RecordingDecoder().event(line) if line.startswith(b"[") else other(line)
