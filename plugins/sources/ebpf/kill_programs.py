"""The programs of kill rules that are loaded, and the maps that arm them: KILLS and KILL_SPARED (bpf/kernel_kill.h)."""

import os
import struct
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.api import KernelKills
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.codegen import KILL_PARTS
from mozu.plugins.sources.ebpf.kernel_filter.kill import KillFunction
from mozu.plugins.sources.ebpf.maps import KILL, MAX_KILLS, MAX_SPARED
from mozu.plugins.sources.ebpf.program_code import FilterRefused, Loaded, ProgramCode

_OFF, _DRY, _ACTS = range(3)
"""enum kill_mode."""
_PID, _USER, _INODE = 1, 2, 3
"""enum spared_kind."""
PARTS: Final = ("part_open_args", *KILL_PARTS)
"""Subprograms that the programs call."""
_KEY: Final = struct.Struct("<Q")
_NUMBER_BITS: Final = 56


class TooManySpared(Exception):
    """KILL_SPARED has no room: nothing is armed."""


class KillArms:
    """What arms the programs: which rule acts, how often, and whom it leaves alone. `maps`: name → descriptor."""

    def __init__(self, maps: Mapping[str, int]) -> None:
        self._maps = maps
        self._armed = self._used = 0
        """Entries of KILLS that may be armed, and that ever were."""
        self._spared: frozenset[int] = frozenset()
        """Keys of KILL_SPARED."""

    def arm(self, kills: KernelKills) -> None:
        """Those of these rules act from now on, in the order that their programs have. Raises TooManySpared."""
        self.disarm()
        spared = spared_keys(kills)
        if len(spared) > MAX_SPARED or len(kills.rules) > MAX_KILLS:
            raise TooManySpared(f"{len(spared)} processes and executables are spared; at most {MAX_SPARED} can be")
        for key in self._spared - spared:
            bpf_syscall.delete_key(self._maps["KILL_SPARED"], _KEY.pack(key))
        fresh = [_KEY.pack(key) for key in sorted(spared - self._spared)]
        if fresh:
            bpf_syscall.update_keys(self._maps["KILL_SPARED"], fresh, b"\1")
        self._spared = spared
        self._armed = len(kills.rules)
        self._used = max(self._used, self._armed)
        self._write(0, _OFF, kills.per_minute)
        for number, rule in enumerate(kills.rules, 1):
            self._write(number, _DRY if rule.dry_run else _ACTS, rule.per_minute)

    def disarm(self) -> None:
        """No rule acts, at once."""
        for number in range(1, self._armed + 1):
            self._write(number, _OFF, 0)
        self._armed = 0

    def counts(self) -> tuple[int, int]:
        """(acts and would-be acts, matching calls that were left to user space) since the start."""
        found = [self._read(number) for number in range(1, self._used + 1)]
        return sum(one[5] for one in found), sum(one[6] for one in found)

    def _read(self, number: int) -> tuple[int, ...]:
        return KILL.unpack(bpf_syscall.lookup(self._maps["KILLS"], number, KILL.size))

    def _write(self, number: int, mode: int, per_minute: int) -> None:
        """What was spent of a budget stays so; a program may count beside, and one act is not counted then."""
        _, _, minute, spent, spare, acts, left = self._read(number)
        bpf_syscall.update(
            self._maps["KILLS"], number, KILL.pack(mode, per_minute, minute, spent, spare, acts, left)
        )


def spared_keys(kills: KernelKills) -> frozenset[int]:
    """Those of KILL_SPARED."""
    kinds = ((_PID, kills.spared_pids), (_USER, kills.spared_users), (_INODE, kills.spared_inodes))
    return frozenset(
        kind << _NUMBER_BITS | number & (1 << _NUMBER_BITS) - 1 for kind, numbers in kinds for number in numbers
    )


class KillPrograms:
    """Owns the programs that run before the filters of calls.

    `arrays`: program arrays, with the type of their programs.
    """

    def __init__(self, code: ProgramCode, maps: Mapping[str, int], arrays: Collection[tuple[str, int]]) -> None:
        self._code, self._maps, self._arrays = code, maps, tuple(arrays)
        self._loaded: Loaded = {}
        self._placed: dict[str, KillFunction] = {}
        """Event type → what runs before its filter."""

    @property
    def placed(self) -> frozenset[str]:
        """Event types that have one."""
        return frozenset(self._placed)

    def index(self, name: str) -> int:
        """Where the filter of a call lies in the program arrays, or its family if it has no filter."""
        number = SYSCALL_SPECS[name].number
        return number + 2 * NUMBERS_END if name in self._placed else number

    def load(self, functions: Mapping[str, KillFunction]) -> dict[str, str]:
        """Have these loaded; gives the types whose program the kernel refuses, and why."""
        refused: dict[str, str] = {}
        for name, function in functions.items():
            if any(loaded == function.name for loaded, _ in self._loaded):
                continue
            try:
                kinds = [kind for _, kind in self._arrays]
                self._loaded |= self._code.load_filter(function.code, kinds, PARTS)
            except FilterRefused as error:
                refused[name] = str(error)
        return refused

    def place(self, name: str, function: KillFunction, behind: Mapping[str, bytes]) -> None:
        """Before what lies at the number of this call: `behind`, by array."""
        number = SYSCALL_SPECS[name].number
        for array, kind in self._arrays:
            program = struct.pack("<I", self._loaded[function.name, kind])
            bpf_syscall.update(self._maps[array], number + 2 * NUMBERS_END, behind[array])
            bpf_syscall.update(self._maps[array], number, program)
        self._placed[name] = function

    def remove(self, name: str, behind: Mapping[str, bytes]) -> None:
        """`behind` lies at the number itself again."""
        number = SYSCALL_SPECS[name].number
        for array, _ in self._arrays:
            bpf_syscall.update(self._maps[array], number, behind[array])
        self.forget(name)

    def forget(self, name: str) -> None:
        """The call is not watched any more, and nothing lies at its number."""
        for array, _ in self._arrays:
            bpf_syscall.delete(self._maps[array], SYSCALL_SPECS[name].number + 2 * NUMBERS_END)
        self._placed.pop(name, None)

    def keep_only(self, functions: Iterable[KillFunction]) -> None:
        """Close all others."""
        used = {function.name for function in functions}
        for key in [key for key in self._loaded if key[0] not in used]:
            os.close(self._loaded.pop(key))
