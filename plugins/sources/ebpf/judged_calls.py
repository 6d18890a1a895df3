"""The maps CALLER_CLASSES and JUDGED_CALLS: the classes of callers, and opens that user space has judged, by key; the
kernel discards equal ones by callers of the same class.

The kernel makes callers and keys (bpf/verdict_memory.h), and records carry them. An entry holds in the generation in
which it was written. An open that is discarded gives the state nothing, so this is for types that only rules need, as
the kernel filter is; where events on descriptors show paths, its path is kept as that of a filtered open is
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
"""Of the path as given, the directory, the path reached."""
_MODE: Final = struct.Struct("<I")
_S_IFMT, _S_IFDIR = 0o170000, 0o040000
_GENERATION: Final = struct.Struct("<I")
_LONGEST: Final = filter_layout.constant("MAX_OPENED_PATH") - 1


class JudgedCalls:
    """Of one source. `maps`: name → descriptor."""

    def __init__(self, maps: Mapping[str, int], flow: FlowMap) -> None:
        self._maps, self._flow = maps, flow
        self._generation = 0
        self._types: frozenset[int] = frozenset()
        self._names = OpenedName.UNUSED

    def use(self, types: Collection[str], names: OpenedName) -> None:
        """Opens of these types may be discarded, and this becomes of their paths. No verdict so far holds."""
        self._types = frozenset(SYSCALL_SPECS[name].number for name in types)
        self._names = names
        self.forget()

    def forget(self) -> None:
        """No verdict so far holds."""
        self._generation += 1
        self._flow.recognise(
            self._generation if self._types else 0, keeps_paths=self._names is OpenedName.KEPT
        )

    def take(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        """No rule matches these events; of which class these callers are. None: nothing so far holds."""
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
        """Opens that were discarded."""
        raw = bpf_syscall.lookup(self._maps["RECOGNISED"], 0, 8 * bpf_syscall.possible_cpus())
        return sum(struct.unpack(f"<{len(raw) // 8}Q", raw))

    def _may_be_discarded(self, record: object) -> bool:
        assert isinstance(record, bytes)
        if int.from_bytes(record[_AT["head_type"] : _AT["head_type"] + 2], "little") not in self._types:
            return False
        failed = record[_AT["head_result"] + 7] & 0x80
        return failed != 0 or self._names is OpenedName.UNUSED or self._shows_its_path(record)

    def _shows_its_path(self, record: bytes) -> bool:
        """Whether later events on the descriptor show the same path as if the state had seen the open."""
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
    """Whether a path is absolute, and its own name: without `.`, `..`, doubled or trailing slashes."""
    return path[:1] == b"/" and all(part not in (b"", b".", b"..") for part in path[1:].split(b"/"))
