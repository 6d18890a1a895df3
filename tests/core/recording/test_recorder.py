"""The state and names that a recorder writes, and the reader's result."""

import base64
import json
from collections.abc import Callable
from io import BytesIO

import pytest

from mozu.core.errors import SourceBroken
from mozu.core.model.event import DataEvent, SyscallEvent
from mozu.core.recording import EnrichedNames, PluginValues
from mozu.core.recording.lines import HostLine
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.mozu_recording import MozuRecording, head_of, is_mozu_recording
from tests.core.recording.making import CONTAINER, T0, call, events, fields, live, packed, read
from tests.support.recorded import Kept, recorder


def visible(data: bytes) -> list[SyscallEvent]:
    found = [event for event in read(data) if isinstance(event, SyscallEvent)]
    return [event for event in found if not event.type.startswith("_")]


def shown(state: StateMachine, data: bytes) -> list[tuple[object, ...]]:
    """Return the parts of each event that rules could see."""
    found = state.apply(read(data))
    return [
        (e.num, e.type, e.args, e.file, p and (p.name, p.pid, p.ptid, p.exe, p.args, p.cwd, p.uid, p.exec_time))
        for e in found
        for p in [e.process]
    ]


def test_it_is_recognized_by_its_content_not_its_name() -> None:
    for data in (live(), packed(live())):
        assert is_mozu_recording(BytesIO(data))
        head = head_of(BytesIO(data))
        assert head is not None
        assert "o" == head.origin
    for data in (b"", b"\x0a\x0d\x0d\x0a", b"\x1f\x8b\x08", b'{"line":"recorded"', packed(b"\x0a\x0d\x0d\x0a")):
        assert not is_mozu_recording(BytesIO(data))


def test_events_come_back_numbered_and_in_order() -> None:
    found = visible(live())
    assert [(e.type, e.num) for e in found] == [
        (e.type, number) for number, e in enumerate((e for e in events() if not e.type.startswith("_")), 1)
    ]


def test_sections_change_nothing() -> None:
    assert shown(StateMachine(procfs=None), live()) == shown(StateMachine(procfs=None), live(often=True))


def test_the_state_at_the_beginning_is_in_the_recording() -> None:
    state, kept = StateMachine(procfs=None), Kept()
    shell = KnownProcess(name="sh", exe="/bin/sh", ptid=1)
    state.apply([SyscallEvent("syscall", "_process", 0, 0, 5, 5, observed=shell)])
    made = recorder([kept], fields(), state)
    state.apply([call("openat", 3, -100, "/tmp/x", 1, 0, 0, 42, fd=3)])
    before = [call("write", 1, b"x", 3, 1, fd=3)]
    made.record(before)
    state.apply(before)
    made.tick(None)
    (event,) = StateMachine(procfs=None).apply(read(bytes(kept.data)))
    assert event.process is not None
    assert event.file is not None
    assert ("sh", "/bin/sh", "/tmp/x", before[0].num) == (
        event.process.name, event.process.exe, event.file.name, event.num,
    )  # fmt: skip


def test_an_output_that_comes_with_a_reload_begins_with_the_state_and_one_that_goes_has_all_until_then() -> None:
    state, first, second, whole = StateMachine(procfs=None), Kept(), Kept(), Kept()
    shell = KnownProcess(name="sh", exe="/bin/sh", ptid=1)
    state.apply([SyscallEvent("syscall", "_process", 0, 0, 5, 5, observed=shell)])
    made = recorder([whole, first], fields(), state)
    for number in range(4):
        if number == 2:
            made.use([whole, second], EnrichedNames(fields()), PluginValues())
        batch = [call("openat", 3, -100, f"/tmp/{number}", 1, 0, 0, 42, fd=3)]
        made.record(batch)
        state.apply(batch)
    made.use([], EnrichedNames(fields()), PluginValues())
    made.record([call("openat", 3, -100, "/tmp/no more", 1, 0, 0, 42, fd=3)])
    made.tick(None)
    names = [
        [(e.args[2], e.process and e.process.exe) for e in StateMachine(procfs=None).apply(read(bytes(kept.data)))]
        for kept in (first, second, whole)
    ]
    all_of_them = [(f"/tmp/{number}", "/bin/sh") for number in range(4)]
    assert [all_of_them[:2], all_of_them[2:], all_of_them] == names


def test_what_a_live_state_asks_the_machine_is_answered_by_the_recording() -> None:
    state, kept = StateMachine(procfs="/proc"), Kept(often=True)
    made = recorder([kept], fields(), state)
    given = [call("close", 0, 3, tid=1, pid=1, fd=3), call("close", 0, 3, tid=1 << 22, pid=1 << 22, fd=3)]
    for event in given:
        made.record([event])
        made.evaluated(state.apply([event]))
        made.tick(None)
    first, second = StateMachine(procfs=None).apply(read(bytes(kept.data)))
    assert first.process is not None
    assert given[0].process is not None
    assert given[0].process.exepath == first.process.exepath
    assert given[0].process.start == first.process.start > 0
    assert second.process is not None
    assert "" == second.process.name


def test_names_of_users_and_containers_come_before_the_events_that_need_them() -> None:
    metadata = RecordingMetadata()
    read(live(), metadata)
    assert "mira" == metadata.user_table.users["", 1000].name
    assert CONTAINER == getattr(metadata.containers.find(CONTAINER), "full_id", "")
    assert (True, T0, "host") == (metadata.live, metadata.lookups.first_time, metadata.lookups.hostname)
    assert b"\x0a\0\0\1" in metadata.lookups.addresses
    assert {b"\x08\x08\x08\x08": ("a.example", "b.example")} == metadata.lookups.hosts


@pytest.mark.parametrize("often", [False, True])
def test_names_of_addresses_are_reported_before_the_first_event_that_was_judged_with_them(often: bool) -> None:
    state, kept, registry = StateMachine(procfs=None), Kept(often=often), fields()
    made = recorder([kept], registry, state)
    tables: list[dict[bytes, tuple[str, ...]]] = [
        {}, {b"one1": ("a",), b"two2": ("a", "b")}, {b"one1": ("a",), b"two2": ("b",)}, {b"two2": ("b",)}, {},
    ]  # fmt: skip
    for table in tables:
        registry.lookups.hosts = table
        for _ in range(2):
            event = call("close", 0, 3, fd=3)
            made.record([event])
            made.evaluated(state.apply([event]))
        made.tick(None)
    metadata, found = RecordingMetadata(), []
    for batch in MozuRecording(BytesIO(bytes(kept.data)), "r.jsonl", metadata).batches():
        found += [dict(metadata.lookups.hosts) for event in batch if event.type == "close"]
    assert [table for table in tables for _ in range(2)] == found
    if not often:
        assert 5 == kept.data.count(b'"line":"host"')


def test_names_of_addresses_are_recorded_again_from_a_recording() -> None:
    state, kept, registry = StateMachine(procfs=None), Kept(), fields()
    metadata = RecordingMetadata(registry.lookups)
    made = recorder([kept], registry, state, metadata)
    metadata.apply(HostLine(b"one1", ("a",)))
    metadata.apply(HostLine(b"two2", ("b",)))
    for lines in (HostLine(b"one1", ()), HostLine(b"two2", ("b", "c"))):
        event = call("close", 0, 3, fd=3)
        made.record([event])
        state.apply([event])
        metadata.apply(lines)
    made.record([call("close", 0, 3, fd=3)])
    made.tick(None)
    written = [json.loads(line) for line in kept.data.splitlines() if line.startswith(b'{"line":"host"')]
    names = [(base64.b64decode(line["address"]), line["names"]) for line in written]
    assert [(b"one1", ["a"]), (b"two2", ["b"]), (b"one1", []), (b"two2", ["b", "c"])] == names


def test_what_enrichers_say_is_written_once_a_section() -> None:
    state, kept = StateMachine(procfs=None), Kept()
    registry = fields()
    made = recorder([kept], registry, state)
    known = KnownProcess(name="sh", uid=1000, cgroups=(("cpu", f"/docker/{CONTAINER}"),))
    state.apply([SyscallEvent("syscall", "_process", 0, 0, 5, 5, observed=known)])
    for _ in range(3):
        event = call("close", 0, 3, fd=3)
        made.record([event])
        made.evaluated(state.apply([event]))
        made.flush(None)
    made.tick(None)
    lines = [json.loads(line) for line in kept.data.splitlines() if line.startswith(b"{")]
    assert ["recording", "start", "user", "group", "user", "container", "type"] == [line["line"] for line in lines]
    assert "web" == lines[5]["facts"]["name"]


def test_each_event_has_the_names_that_it_was_evaluated_with_in_whatever_order() -> None:
    """Check with events that wait for an enricher: they are evaluated after later ones, and with more names."""
    state, kept, registry = StateMachine(procfs=None), Kept(), fields()
    shell = "<NA>"
    for name in ("user.name", "user.homedir", "group.name"):
        registry.provide(name, lambda _: lambda _: "root")
    registry.provide("user.shell", lambda _: lambda _: shell)
    made = recorder([kept], registry, state)
    known = KnownProcess(name="sh", uid=0, cgroups=(("cpu", f"/docker/{CONTAINER}"),))
    for tid in (5, 6):
        state.apply([SyscallEvent("syscall", "_process", 0, 0, tid, tid, observed=known)])
    batch = [call("close", 0, 3, fd=3, tid=tid) for tid in (5, 6, 5, 6)]
    made.record(batch)
    first, second, third, fourth = state.apply(batch)
    made.evaluated([first, third])
    shell = "/bin/sh"
    made.evaluated([second, fourth])
    made.flush(None)
    made.tick(None)

    newest, found = "", []
    for line in kept.data.splitlines():
        if line.startswith(b'{"line":"user"'):
            user = json.loads(line)
            newest = user["shell"] if user["uid"] == 0 else newest
        elif line.startswith(b'["close"'):
            found.append(newest)
    assert ["<NA>", "/bin/sh", "<NA>", "/bin/sh"] == found


def test_documents_are_recorded_as_they_are() -> None:
    given = [DataEvent("k8s_audit", "pluginevent", 5, number, {"kind": "Event"}) for number in (7, 8)]
    assert given == [event for event in read(live(given=given)) if isinstance(event, DataEvent)]


@pytest.mark.parametrize("pack", [bytes, packed])
def test_a_file_that_was_cut_gives_everything_before_and_one_error(pack: Callable[[bytes], bytes]) -> None:
    whole = pack(live())
    for length in range(len(whole)):
        recording, count, error = MozuRecording(BytesIO(whole[:length]), "r.jsonl", RecordingMetadata()), 0, ""
        try:
            for batch in recording.batches():
                count += len(batch)
        except SourceBroken as broken:
            error = str(broken)
        if length and whole[length - 1 : length] != b"\n":
            assert error.startswith("recording r.jsonl: ")
            assert "at byte " in error
        assert count <= 16
    assert 9 <= count


def test_a_newer_version_is_refused() -> None:
    data = live().replace(b'"version":1', b'"version":2', 1)
    with pytest.raises(SourceBroken, match="its format is version 2; versions up to 1 can be read"):
        read(data)


def test_a_loss_that_was_recorded_is_reported() -> None:
    data = live().replace(b'"version":1', b'"version":1,"lost":3', 1)
    recording = MozuRecording(BytesIO(data), "r.jsonl", RecordingMetadata())
    list(recording.batches())
    assert ["3 events were not recorded before event 0"] == recording.gaps


def test_what_enrichers_come_to_know_stands_before_the_event_that_was_judged_with_it() -> None:
    state, kept, registry = StateMachine(procfs=None), Kept(), fields()
    names = ["<NA>", "<NA>", "mira", "mira"]
    registry.provide("user.name", lambda _: lambda event: names[event.num - 1])
    made = recorder([kept], registry, state)
    state.apply([SyscallEvent("syscall", "_process", 0, 0, 5, 5, observed=KnownProcess(name="sh", uid=1000))])
    given = [call("close", 0, 3, fd=3) for _ in names]
    made.record(given)
    for event in state.apply(given):
        made.evaluated([event])
    made.tick(None)
    lines = [json.loads(line) for line in kept.data.splitlines()]
    users = [line["name"] if isinstance(line, dict) else line[2] for line in lines if _is_user_or_event(line)]
    assert ["<NA>", 1, 2, "mira", 3, 4] == users


def _is_user_or_event(line: "dict[str, object] | list[object]") -> bool:
    if isinstance(line, list):
        return line[0] == "close"
    return (line["line"], line.get("uid")) == ("user", 1000)
