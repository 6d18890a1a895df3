"""BPF maps that all programs share: ring buffer, loss counters, program arrays. Names are constants of the C text.

`NamedFileMap` has the files that kernel programs find by device and inode, with the path that rules use for each. A
mask of their inode numbers in SETTINGS spares the opens of most other files the look-up.
"""

import os
import struct
from collections.abc import Mapping
from typing import Final

from mozu.core.abi.spec import MAX_BLOCKS, NO_ARGUMENT, ArgLayout
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.api import SourceUnavailable
from mozu.core.model.arch import MACHINE, Abi
from mozu.core.model.syscalls import call_name, call_number
from mozu.core.state.effects import CHANGES_ANOTHER, CHANGES_ITS_PROCESS
from mozu.plugins.sources.ebpf import bpf_syscall, entry_paths, uring, wire
from mozu.plugins.sources.ebpf.checks import clause


def packed_layout(layout: ArgLayout) -> bytes:
    """Return the layout as a value of the map."""
    *arguments, blocks = layout
    missing = MAX_BLOCKS - len(blocks)
    places = [block.argument for block in blocks] + [NO_ARGUMENT] * missing
    sizes = [block.size for block in blocks] + [0] * missing
    return struct.pack("<16b", *arguments, *places, *sizes)


_ARG_LAYOUT_SIZE: Final = len(packed_layout(ArgLayout()))


COUNTS: Final = struct.Struct("<QQQQ")
"""struct counts of bpf/record.h: over_share, filtered, lost, seen."""
SETTINGS: Final = struct.Struct("<8I")
"""struct settings of bpf/record.h."""
CALLER_CLASS: Final = struct.Struct("<QI4x")
"""struct caller_class of bpf/verdict_memory.h: number, generation."""
ENTRY: Final = struct.Struct("<QQ")
"""Generation (0 if there is no verdict yet), and values of the predicates, a bit each: `struct verdicts` of
bpf/process_verdicts.h."""
NAME: Final = 16
"""Bytes of a name in the kernel, including the NUL at its end."""
NAMES: Final = 4096
"""Most names in the map COMM_VERDICTS."""
_NUMBER: Final = struct.Struct("<h")
KILL_SHARED: Final = struct.Struct("<QII")
"""struct shared: objects to be ended with a killed process."""
SPARED_KEY: Final = struct.Struct("<QII")
"""struct spared_key of bpf/kernel_kill.h: number, device, kind."""
KILL: Final = struct.Struct("<IIQIIQQ")
"""struct kill of bpf/kernel_kill.h: mode, per_minute, minute, spent, spare, acts, left."""
FILE_NUMBERS: Final = struct.Struct("<QI4x")
"""struct file_numbers of bpf/path.h: inode, device."""
MAX_NAMED_FILES: Final = 1024
MAX_NAMED_PATH: Final = 256
"""Most files that rules with a responder name, and most bytes of a path there; a longer one is decided in user
space."""
NAMED_FILE: Final = struct.Struct(f"<Q{MAX_NAMED_PATH}s")
"""struct named_file of bpf/path.h: length, path."""
DENIAL: Final = struct.Struct("<QQ8I16s16s256s")
"""struct denial of bpf/kernel_deny.h."""
EXECUTED_INDEX: Final = 3 * NUMBERS_END
"""Index in a program array of the kill rules' program for an exec (bpf/syscall_ctx.h)."""
JUDGED_INDEX: Final = EXECUTED_INDEX + 1
"""Index of the program that it continues with."""
OUTPUT_INDEX: Final = EXECUTED_INDEX + 2
"""Index of the program that puts the records of calls into the ring buffer."""
PROGRAMS_END: Final = EXECUTED_INDEX + 3
MAX_KILLS: Final = 256
"""Most rules that the kernel kills for."""
MAX_SHARED: Final = 1024
"""Most killed processes that have not ended and whose descriptors others share."""
DENY_SLOTS: Final = 4
"""Most programs of deny rules that can interrupt each other on one CPU; MAX_DENIALS: most denials that user space has
not read yet."""
MAX_DENIALS: Final = 1024
MAX_SPARED: Final = 4096
"""Most processes, users and executables that are spared."""
SELFTEST_RESULT: Final = struct.Struct("<6QqQ")
SELFTEST_ARGUMENTS: Final = (0x6D6F7A75_2D6D6F7A, 0x1111_2222_3333_4444, -3, 0x5555_6666_7777_0888, 4099, 0x40000000)
"""Arguments for splice, which refuses the unknown flag before it checks anything else."""
_SCRATCH_SIZE: Final = 25160
_FILTER_SCRATCH_SIZE: Final = 1608
SIZES: Final = {
    "SCRATCH_SIZE": _SCRATCH_SIZE,
    "SYSCALL_CTX_SIZE": 112,
    "URING_OP_SIZE": uring.ENTRY.size,
    "URING_REQUESTS_SIZE": 1008,
    "URING_REQUEST_SIZE": 9200,
    "FILTER_SCRATCH_SIZE": _FILTER_SCRATCH_SIZE,
    "OPENED_PATH_SIZE": 280,
    "OPENED_AT_SIZE": 296,
    "KILL_SIZE": KILL.size,
    "KILL_SHARED_SIZE": KILL_SHARED.size,
    "SPARED_KEY_SIZE": SPARED_KEY.size,
    "MAX_NAMED_PATH": MAX_NAMED_PATH,
    "NAMED_FILE_SIZE": NAMED_FILE.size,
    "CALLER_CLASS_SIZE": CALLER_CLASS.size,
    "DENIAL_SIZE": DENIAL.size,
    "DENY_SLOT_SIZE": _FILTER_SCRATCH_SIZE + 8 + DENIAL.size + _SCRATCH_SIZE,
}
"""Sizes of structs in headers of bpf/, which assert them: record, syscall_ctx, uring, path, kernel_filter, opened_path,
kernel_kill, kernel_deny, verdict_memory."""
_OWN, _ANY, _NAMED = 1, 2, 3
"""Values CHANGES_* of bpf/record.h: the process whose state a record may change."""
_SLOTS: Final = 5
MAPPED: Final = frozenset({"FLOW", "ACCOUNTS"})
"""Arrays that are mapped into this process's memory (accounts.py)."""
MAX_PROC_VERDICTS: Final = 16384
"""Most processes with a verdict for the kernel filter."""
MAX_JUDGED_CALLS: Final = 1 << 16
"""Most opens that the kernel can recognise: 5 MiB."""
MAX_CALLERS: Final = 1 << 14
"""Most callers whose class the kernel knows: a task is one for each type of open."""
OPENED_PLACES: Final = wire.map_constant("OPENED_PLACES")
"""Entries of OPENED_AT: files that keep their paths without a look-up in a hash; 5 MiB."""
MAX_OPENED_PATHS: Final = 16384
"""Entries of OPENED_PATHS. The keys are addresses of structs file, which later files reuse: both together bound the
files that are open at once, not those that are ever opened."""


def definitions(ring_size: int, *, requests: bool) -> dict[str, tuple[int, int, int, int]]:
    """Return (kind, bytes of a key, bytes of a value, entries) by name."""
    array, per_cpu, prog_array = bpf_syscall.ARRAY, bpf_syscall.PERCPU_ARRAY, bpf_syscall.PROG_ARRAY
    in_flight = wire.map_constant("URING_MOST") if requests else 8
    with_texts = wire.map_constant("URING_MOST_TEXTS") if requests else 1
    strings_size = SIZES["URING_REQUEST_SIZE"] - SIZES["URING_REQUESTS_SIZE"]
    return {
        "RING": (bpf_syscall.RINGBUF, 0, 0, ring_size),
        "SCRATCH": (per_cpu, 4, SIZES["SCRATCH_SIZE"], _SLOTS),
        "FLOW": (array, 4, wire.size("flow"), 1),
        "ACCOUNTS": (array, 4, wire.size("account"), wire.map_constant("ACCOUNT_PLACES")),
        "TAB": (per_cpu, 4, wire.size("tab"), wire.map_constant("MOST_TABS")),
        "METER": (per_cpu, 4, wire.size("meter"), 1),
        "GROUP_TAB": (per_cpu, 4, wire.size("group_tab"), wire.map_constant("MOST_GROUP_TABS")),
        "SYSCALL_CTX": (per_cpu, 4, SIZES["SYSCALL_CTX_SIZE"], 1),
        "COUNTS": (per_cpu, 4, COUNTS.size, NUMBERS_END),
        "ARG_LAYOUTS": (array, 4, _ARG_LAYOUT_SIZE, NUMBERS_END),
        "SETTINGS": (array, 4, SETTINGS.size, 1),
        "SELFTEST": (array, 4, SELFTEST_RESULT.size, 1),
        "TP_PROGS": (prog_array, 4, 4, PROGRAMS_END),
        "RAW_TP_PROGS": (prog_array, 4, 4, PROGRAMS_END),
        "FILTER_SCRATCH": (per_cpu, 4, SIZES["FILTER_SCRATCH_SIZE"], 1),
        "OPENED_PATHS": (bpf_syscall.HASH, 8, SIZES["OPENED_PATH_SIZE"], MAX_OPENED_PATHS),
        "OPENED_AT": (array, 4, SIZES["OPENED_AT_SIZE"], OPENED_PLACES),
        "GENERATION": (array, 4, 8, 1),
        "CGROUP_MOVES": (array, 4, 8, 1),
        "COMM_VERDICTS": (bpf_syscall.HASH, NAME, ENTRY.size, NAMES),
        "COMM_DEFAULT": (array, 4, ENTRY.size, 1),
        "PROC_COMM_VERDICTS": (bpf_syscall.LRU_HASH, 4, ENTRY.size, MAX_PROC_VERDICTS),
        "PROC_VERDICTS": (bpf_syscall.HASH, 4, ENTRY.size, MAX_PROC_VERDICTS),
        "MOZU_NUMBERS": (array, 4, _NUMBER.size, NUMBERS_END),
        "COMPAT": (array, 4, entry_paths.COMPAT_ENTRY.size, entry_paths.COMPAT_ENTRIES),
        "WATCHED": (array, 4, 1, NUMBERS_END),
        "TASK_CHANGES": (array, 4, 1, NUMBERS_END),
        "TASK_VERSIONS": (bpf_syscall.LRU_HASH, 4, 8, MAX_PROC_VERDICTS),
        "JUDGED_CALLS": (bpf_syscall.LRU_HASH, 8, 4, MAX_JUDGED_CALLS),
        "CALLER_CLASSES": (bpf_syscall.LRU_HASH, 8, CALLER_CLASS.size, MAX_CALLERS),
        "RECOGNISED": (per_cpu, 4, 8, 1),
        "KILLS": (array, 4, KILL.size, 1 + MAX_KILLS),
        "KILL_SPARED": (bpf_syscall.HASH, SPARED_KEY.size, 8, MAX_SPARED),
        "NAMED_FILES": (bpf_syscall.HASH, FILE_NUMBERS.size, NAMED_FILE.size, MAX_NAMED_FILES),
        "KILL_SHARED": (bpf_syscall.HASH, 4, KILL_SHARED.size, MAX_SHARED),
        "DENY_SLOTS": (per_cpu, 4, SIZES["DENY_SLOT_SIZE"], DENY_SLOTS),
        "DENIALS": (bpf_syscall.QUEUE, 0, DENIAL.size, MAX_DENIALS),
        "URING_OPS": (array, 4, uring.ENTRY.size, uring.ENTRIES),
        "URING_REQUEST": (per_cpu, 4, SIZES["URING_REQUEST_SIZE"], 1),
        "URING_REQUESTS": (bpf_syscall.HASH, 8, SIZES["URING_REQUESTS_SIZE"], in_flight),
        "URING_STRINGS": (bpf_syscall.HASH, 8, strings_size, with_texts),
        "URING_LATEST": (bpf_syscall.HASH, 16, 8, in_flight),
        "URING_HELD": (array, 4, 8, wire.map_constant("URING_HELD_PLACES") if requests else 1),
    }


MAPS: Final = tuple(definitions(0, requests=False))
"""Names of all maps."""


def make_maps(ring_size: int, *, requests: bool) -> dict[str, int]:
    """Create the maps; return descriptors by name in the C text, to be closed by the caller. Raises SourceUnavailable.

    `requests`: True if io_uring will be watched; else its maps are tiny.
    """
    wanted = definitions(ring_size, requests=requests)
    maps: dict[str, int] = {}
    for name, (kind, key, value, entries) in wanted.items():
        try:
            maps[name] = bpf_syscall.create_map(
                kind, f"mozu_{name.lower()}", key=key, value=value, entries=entries, mapped=name in MAPPED
            )
        except OSError as error:
            for fd in maps.values():
                os.close(fd)
            raise SourceUnavailable(
                f"source ebpf: the kernel gives no map for {name.lower()} of {value or entries} bytes ({error})"
                f"{clause(error)}"
            ) from error
    for name, entries_of in _contents().items():
        bpf_syscall.update_many(maps[name], {struct.pack("<I", index): value for index, value in entries_of.items()})
    return maps


def forget_requests(maps: Mapping[str, int]) -> None:
    """Empty the maps of requests of io_uring, whose completions were missed while no program was attached."""
    bpf_syscall.clear(maps["URING_REQUESTS"], 8)
    bpf_syscall.clear(maps["URING_STRINGS"], 8)
    bpf_syscall.clear(maps["URING_LATEST"], 16)
    places = range(wire.map_constant("URING_HELD_PLACES"))
    bpf_syscall.update_many(maps["URING_HELD"], {struct.pack("<I", place): bytes(8) for place in places})


def _contents() -> dict[str, dict[int, bytes]]:
    """Return the content of constant tables, by map."""
    layouts = {spec.number: packed_layout(spec.layout) for spec in SYSCALL_SPECS.values()}
    changes = {SYSCALL_SPECS[name].number: bytes([kind]) for name, kind in _changes().items()}
    numbers = {number: _NUMBER.pack(mozu_number) for number, mozu_number in mozu_numbers().items()}
    compat = dict(entry_paths.compat_entries())
    return {"ARG_LAYOUTS": layouts, "MOZU_NUMBERS": numbers, "COMPAT": compat, "TASK_CHANGES": changes}


def mozu_numbers(abi: Abi = MACHINE.abi) -> dict[int, int]:
    """Return mozu's number by number of a call in an ABI (by default this machine's); -1 if it has none."""
    names = {number: call_name(number, abi) for number in range(NUMBERS_END)}
    found = {number: None if name is None else call_number(name) for number, name in names.items()}
    return {number: -1 if known is None else known for number, known in found.items()}


def _changes() -> dict[str, int]:
    """Return the process whose state an event may change, by event type."""
    kinds = dict.fromkeys(CHANGES_ITS_PROCESS, _OWN) | dict.fromkeys(CHANGES_ANOTHER, _ANY)
    kinds |= dict.fromkeys(("_fork", "_cgroup"), _NAMED)
    return {name: kind for name, kind in kinds.items() if name in SYSCALL_SPECS}


class NamedFileMap:
    """The map of one loader. `maps`: descriptors by name."""

    def __init__(self, maps: Mapping[str, int]) -> None:
        self._maps = maps
        self._entries: Mapping[bytes, bytes] = {}
        self._settings: tuple[int, ...] = (0,) * 7
        self._inodes = 0
        """Bit n is set if a file has an inode number that is n modulo 32; `named_inodes` of bpf/record.h."""

    def use(self, files: Mapping[tuple[int, int], str]) -> None:
        """Store these files, and no others; of more than MAX_NAMED_FILES the first. Raises OSError."""
        entries = dict(list(entries_of(files).items())[:MAX_NAMED_FILES])
        for key in self._entries.keys() - entries.keys():
            bpf_syscall.delete_key(self._maps["NAMED_FILES"], key)
        bpf_syscall.update_many(self._maps["NAMED_FILES"], dict(entries.items() - self._entries.items()))
        self._entries, self._inodes = entries, 0
        for key in entries:
            self._inodes |= 1 << FILE_NUMBERS.unpack(key)[0] % 32
        self.write_settings(*self._settings)

    def restore(self) -> bool:
        """Write both maps again; return True if another process had changed SETTINGS."""
        written = SETTINGS.pack(*self._settings, self._inodes)
        changed = bpf_syscall.lookup(self._maps["SETTINGS"], 0, SETTINGS.size) != written
        if changed:
            self.write_settings(*self._settings)
        bpf_syscall.update_many(self._maps["NAMED_FILES"], self._entries)
        return changed

    def write_settings(self, *settings: int) -> None:
        """Write all members of SETTINGS but the last."""
        self._settings = settings
        bpf_syscall.update(self._maps["SETTINGS"], 0, SETTINGS.pack(*settings, self._inodes))


def entries_of(files: Mapping[tuple[int, int], str]) -> dict[bytes, bytes]:
    """Return the entries of the map. A path that is too long is left out: its file is known by paths alone."""
    texts = {numbers: path.encode(errors="surrogateescape") for numbers, path in files.items()}
    return {
        FILE_NUMBERS.pack(inode, device): NAMED_FILE.pack(len(text), text)
        for (device, inode), text in texts.items()
        if len(text) < MAX_NAMED_PATH
    }
