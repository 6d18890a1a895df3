"""Small recordings, made by the recorder itself."""

import gzip
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import DataEvent, Event, File, SockTuple, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.recording.lines import ContainerLine, HostLine, UserLine
from mozu.core.recording.lines import MetadataLine as Line
from mozu.core.state import StateMachine
from mozu.core.state.observed import Entered, Executed, Forked, KnownProcess, Opened, ProcSnapshot
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.mozu_recording import MozuRecording
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.capture import Capture
from tests.support.recorded import Kept, recorder

T0 = 1_700_000_000_000_000_000
CONTAINER = "a" * 64


def fields() -> FieldRegistry:
    """Return a registry with names as in a run."""
    names = Lookups()
    names.hostname, names.first_time = "host", T0
    names.addresses.replace([b"\x0a\0\0\1"])
    names.container = {CONTAINER: ContainerMetadata(full_id=CONTAINER, name="web", labels={"a": "b"})}.get
    return FieldRegistry(builtin_fields(names), names)


class Names:
    """A live source's knowledge of its surroundings."""

    live = True
    value_names = frozenset[str]()

    def __init__(self) -> None:
        self.changes = 1

    def entries(self) -> Iterable[Line]:
        observed = ContainerMetadata(full_id=CONTAINER)
        user = UserLine("", 1000, "mira", "/home/mira", "/bin/sh")
        return [user, ContainerLine(CONTAINER, observed), HostLine(b"\x08\x08\x08\x08", ("a.example", "b.example"))]


def call(kind: str, *args: Any, **more: Any) -> SyscallEvent:
    """Return an event of process 5, as a live source delivers it."""
    given = {"time": T0 + 5, "tid": 5, "pid": 5, **more}
    return SyscallEvent("syscall", kind, args=args, **given)


def events() -> list[Event]:
    """Return the events of a live source."""
    ends = SockTuple(2, b"\x0a\0\0\1", 40000, b"\x08\x08\x08\x08", 53)
    return [
        SyscallEvent("syscall", "_looked", T0, observed=ProcSnapshot(5, 5, KnownProcess(name="sh", ptid=1, vpid=5), 0)),
        call(
            "openat", 3, -100, "/etc/passwd", 1, 0, 0, 42, fd=3, file=File("file", "/etc/passwd"), observed=Opened("/")
        ),
        call("openat", 3, -100, "/tmp/\udcff", 1, 0, 0, 42, fd=3),
        call("_fork", observed=Forked(6, 6, 6, 6, T0)),
        call("execve", 0, "sh", b"-c\0true\0", 6, 6, 5, "/", 1024, tid=6, pid=6, observed=Executed(ptid=5, start=T0)),
        call("write", 5, b"\x00\xff\n[", 3, 5, fd=3, file=File("ipv4", sock=ends)),
        call("poll", 1, ((3, 1), (4, 4)), 1000),
        SyscallEvent("syscall", "_enter", T0, tid=5, observed=Entered("connect", (4, None))),
        call("close", 0, 3, fd=3),
        call("procexit", 0, 0, 0, 0, 0, tid=6, pid=6),
    ]


def live(*, often: bool = False, given: Iterable[Event] | None = None) -> bytes:
    """Return a recording of these events."""
    kept, state = Kept(often=often), StateMachine(procfs=None)
    made = recorder([kept], fields(), state, Names())
    for event in events() if given is None else given:
        made.record([event])
        if not isinstance(event, DataEvent):
            state.apply([event])
        made.tick(None)
    return bytes(kept.data)


def rerecorded(capture: Capture) -> bytes:
    """Return a recording made from a capture."""
    kept, state = Kept(), StateMachine(procfs=None)
    registry = fields()
    metadata = RecordingMetadata(registry.lookups)
    made = recorder([kept], registry, state, metadata)
    for batch in ScapRecording(BytesIO(capture.raw()), "capture", metadata).batches():
        made.record(batch)
        state.apply(batch)
        made.tick(None)
    return bytes(kept.data)


def read(data: bytes, metadata: RecordingMetadata | None = None) -> list[Event]:
    """Return every event of a recording."""
    recording = MozuRecording(BytesIO(data), "r.jsonl", RecordingMetadata() if metadata is None else metadata)
    return [event for batch in recording.batches() for event in batch]


def packed(data: bytes) -> bytes:
    """Return the data as stored on disk."""
    return gzip.compress(data, 1, mtime=0)
