"""The maps CALLER_CLASSES and JUDGED_CALLS: classes of callers, and opens that user space has judged, by key. The
kernel discards equal opens by callers of the same class.

The kernel makes callers and keys (bpf/verdict_memory.h), and records contain them. An entry is valid in the generation
in which it was written. A discarded open does not update the state, so only types that rules alone need are discarded,
as by the kernel filter; if events on descriptors show paths, the open's path is kept like that of a filtered open
(`OpenedName`).
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.event import UndecodedEvent
from mozu.plugins.sources.ebpf import bpf_syscall, filter_layout
from mozu.plugins.sources.ebpf.flow_map import FlowMap
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.maps import CALLER_CLASS
from mozu.plugins.sources.ebpf.wire import layouts

_LAYOUT: Final = layouts()["open"]
_AT: Final = {member.name: member.offset for member in _LAYOUT.members}
_LENGTHS: Final = struct.Struct("<HHH")
"""Lengths of the path as given, the directory, and the path reached."""
_MODE: Final = struct.Struct("<I")
_S_IFMT, _S_IFDIR = 0o170000, 0o040000
_GENERATION: Final = struct.Struct("<I")
_LONGEST: Final = filter_layout.constant("MAX_OPENED_PATH") - 1


class JudgedCalls:
    """Writer of the maps for one source. `maps`: descriptors by name."""

    def __init__(self, maps: Mapping[str, int], flow: FlowMap) -> None:
        self._maps, self._flow = maps, flow
        self._generation = 0
        self._types: frozenset[int] = frozenset()
        self._names = OpenedName.UNUSED

    def use(self, types: Collection[str], names: OpenedName) -> None:
        """Let opens of these types be discarded, with their paths treated by `names`. Former verdicts become
        invalid."""
        self._types = frozenset(SYSCALL_SPECS[name].number for name in types)
        self._names = names
        self.forget()

    def forget(self) -> None:
        """Invalidate all verdicts so far."""
        self._generation += 1
        self._flow.recognise(self._generation if self._types else 0, keeps_paths=self._names is OpenedName.KEPT)

    def take(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        """Store that no rule matches these events, and the classes of these callers. None: invalidate all verdicts so
        far."""
        if events is None:
            self.forget()
            return
        judged = _GENERATION.pack(self._generation)
        keys = {event.source_key: judged for event in events if self._may_be_discarded(event.record)}
        callers = {caller: CALLER_CLASS.pack(number, self._generation) for caller, number in classes.items()}
        with suppress(OSError):  # the kernel is short of memory: they are judged again, and reported again
            bpf_syscall.update_many(self._maps["CALLER_CLASSES"], callers)
            bpf_syscall.update_many(self._maps["JUDGED_CALLS"], keys)

    def recognised(self) -> int:
        """Return the number of discarded opens."""
        raw = bpf_syscall.lookup(self._maps["RECOGNISED"], 0, 8 * bpf_syscall.possible_cpus())
        return sum(struct.unpack(f"<{len(raw) // 8}Q", raw))

    def _may_be_discarded(self, record: object) -> bool:
        assert isinstance(record, bytes)
        if int.from_bytes(record[_AT["head_type"] : _AT["head_type"] + 2], "little") not in self._types:
            return False
        failed = record[_AT["head_result"] + 7] & 0x80
        return failed != 0 or self._names is OpenedName.UNUSED or self._shows_its_path(record)

    def _shows_its_path(self, record: bytes) -> bool:
        """Return True if later events on the descriptor show the same path as if the state had processed the open."""
        given, _, reached = _LENGTHS.unpack_from(record, _AT["user"])
        (mode,) = _MODE.unpack_from(record, _AT["file_mode"])
        path = record[_LAYOUT.size : _LAYOUT.size + given]
        if mode & _S_IFMT == _S_IFDIR or not is_plain(path) or given > _LONGEST:
            return False
        if self._names is OpenedName.KEPT:
            return True
        base = int.from_bytes(record[_AT["base"] : _AT["base"] + 2], "little")
        end = _LAYOUT.size + given + base
        return record[end : end + reached] == path


def is_plain(path: bytes) -> bool:
    """Return True if a path is absolute and normalized: without `.`, `..`, doubled or trailing slashes."""
    return path[:1] == b"/" and all(part not in (b"", b".", b"..") for part in path[1:].split(b"/"))
