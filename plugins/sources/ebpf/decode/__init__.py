"""Decoder: from records of the ring buffer to SyscallEvent, one function per wire struct. Pure: the clock's offset is
an argument."""

from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.model.event import SyscallEvent, UndecodedEvent
from mozu.plugins.sources.ebpf.decode.calls import call, cwd, identity, memory, opened
from mozu.plugins.sources.ebpf.decode.descriptors import descriptor
from mozu.plugins.sources.ebpf.decode.processes import exited, forked, moved, process
from mozu.plugins.sources.ebpf.decode.reading import Decode
from mozu.plugins.sources.ebpf.wire import constant, layouts

__all__ = ["DECODERS", "RecordDecoder"]

DECODERS: Final[dict[str, Callable[[SyscallSpec], Decode]]] = {
    "accept": descriptor,
    "clone": process,
    "cwd": cwd,
    "descriptor": descriptor,
    "exec": process,
    "exit": exited,
    "fault": call,
    "fork": forked,
    "cgroup": moved,
    "identity": identity,
    "mapping": descriptor,
    "memory": memory,
    "message": descriptor,
    "mmsg": descriptor,
    "number": call,
    "open": opened,
    "pair": descriptor,
    "path": call,
    "session": call,
    "signal": call,
    "switch": call,
    "transfer": descriptor,
}
"""Decoder by family; the wire struct follows from it."""
_OFFSETS: Final = {member.name: member.offset for member in layouts()["header"].members}
_TASK_AT, _TYPE_AT, _ENTRY_PATH_AT = _OFFSETS["pid"], _OFFSETS["type"], _OFFSETS["entry_path"]
_TASK_END: Final = _OFFSETS["cpu"]
_KEY_AT: Final = _TYPE_AT
"""Offset before which no two records are equal."""
_HEAD: Final = Struct(f"<Q{_TASK_AT - 8}xI")
"""Time and process id."""
_HAS_HASH: Final = constant("HAS_HASH") >> 8
_IS_CALLER: Final = constant("IS_CALLER")
_ACT_KILLED: Final = constant("ACT_KILLED") >> 8
_ACTS: Final = constant("ACTS") >> 8
"""Bits in the upper half of the entry path."""
_ENTRY_PATHS: Final = ("", "compat32", "io_uring", "io_uring_submitted")
"""Values of `SyscallEvent.entry_path` by enum entry_path of bpf/mozu.h."""


class RecordDecoder:
    """Decoder of records; counts decoded ones by event type."""

    def __init__(self) -> None:
        self.offset = 0
        """Wall time minus boot time, ns."""
        self.received = [0] * NUMBERS_END
        self.discarded = [0] * NUMBERS_END
        self._decode: list[Decode | None] = [None] * NUMBERS_END
        self._left: list[str] = [""] * NUMBERS_END
        """Names of the types whose records are returned undecoded, by number."""
        for spec in SYSCALL_SPECS.values():
            self._decode[spec.number] = DECODERS[spec.family](spec)

    def leave_undecoded(self, types: Iterable[str]) -> None:
        """Return the records of these types, and of no others, undecoded from now on."""
        self._left = [""] * NUMBERS_END
        for name in types:
            if name in SYSCALL_SPECS:
                self._left[SYSCALL_SPECS[name].number] = name

    def __call__(self, record: bytes) -> SyscallEvent | UndecodedEvent | None:
        """Return the event of a record; None if its type has no decoder."""
        number = record[_TYPE_AT] | record[_TYPE_AT + 1] << 8
        name = self._left[number]
        if name:
            self.received[number] += 1
            time, pid = _HEAD.unpack_from(record)
            if record[_ENTRY_PATH_AT + 1] & _HAS_HASH:
                key, caller = (b"", record[-8:]) if record[-8] & _IS_CALLER else (record[-8:], b"")
                return UndecodedEvent(
                    "syscall", name, time + self.offset, 0, pid, record[_TASK_AT:_TASK_END], record[_KEY_AT:-8], record,
                    self.decode, key, caller, time,
                )  # fmt: skip
            return UndecodedEvent(
                "syscall", name, time + self.offset, 0, pid, record[_TASK_AT:_TASK_END], record[_KEY_AT:], record,
                self.decode, boot_time=time,
            )  # fmt: skip
        decode = self._decode[number]
        if decode is None:
            return None
        self.received[number] += 1
        return self._event(decode, record)

    def decode(self, record: bytes) -> SyscallEvent:
        """Return the decoded event of a record, also of an `UndecodedEvent`. The type must have a decoder."""
        decode = self._decode[record[_TYPE_AT] | record[_TYPE_AT + 1] << 8]
        assert decode is not None, "no such type is left undecoded"
        return self._event(decode, record)

    def _event(self, decode: Decode, record: bytes) -> SyscallEvent:
        event = decode(record, self.offset)
        if record[_ENTRY_PATH_AT]:
            event.entry_path = _ENTRY_PATHS[record[_ENTRY_PATH_AT]]
        act = record[_ENTRY_PATH_AT + 1] & _ACTS
        if act:
            event.kernel_act = "kill" if act & _ACT_KILLED else "would"
        return event

    def discard(self, record: bytes) -> None:
        """Count a record that is dropped unread."""
        self.discarded[record[_TYPE_AT] | record[_TYPE_AT + 1] << 8] += 1
