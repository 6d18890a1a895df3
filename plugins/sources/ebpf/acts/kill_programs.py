"""The loaded programs of kill rules, and the maps that arm them: KILLS and KILL_SPARED (bpf/kernel_kill.h)."""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from mozu.core.api import KernelDenial, KernelKill, KernelKills
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.acts.deny_programs import denials
from mozu.plugins.sources.ebpf.kernel_filter.kill import KillFunction
from mozu.plugins.sources.ebpf.kernel_filter.settled import EXECUTED
from mozu.plugins.sources.ebpf.maps import KILL, MAX_KILLS, MAX_SPARED, SPARED_KEY
from mozu.plugins.sources.ebpf.objects.codegen import KILL_PARTS
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, RulePrograms

_OFF, _DRY, _ACTS = range(3)
"""Values of enum kill_mode."""
_PID, _USER, _EXECUTABLE = 1, 2, 3
"""Values of enum spared_kind."""
PARTS: Final = ("part_open_args", *KILL_PARTS)
"""Subprograms that the programs call."""
_VALUE: Final = struct.Struct("<Q")
_TICK: Final = 10_000_000
"""ns of a clock tick."""


class TooManySpared(Exception):
    """KILL_SPARED is full: no rule is armed."""


class KillArms:
    """State that arms the programs: acting rules, their bounds, and spared processes. `maps`: descriptors by name."""

    def __init__(self, maps: Mapping[str, int]) -> None:
        self._maps = maps
        self._armed = self._used = 0
        """Number of entries of KILLS that may be armed, and that ever were."""
        self._spared: Mapping[bytes, int] = {}
        """Content of KILL_SPARED."""
        self._rules: Sequence[KernelKill] = ()
        self._written: dict[int, tuple[int, int]] = {}
        """Mode and `per_minute` by number of an entry of KILLS."""

    def arm(self, kills: KernelKills, *, ends_sharers: bool = False) -> None:
        """Arm these rules from now on, in the order of their programs. Raises TooManySpared.

        `ends_sharers`: True if a program is attached that ends the processes with the same descriptors.
        """
        self.disarm()
        spared = spared_of(kills)
        if len(spared) > MAX_SPARED or len(kills.rules) > MAX_KILLS:
            raise TooManySpared(f"{len(spared)} processes and executables are spared; at most {MAX_SPARED} can be")
        for key in self._spared.keys() - spared.keys():
            bpf_syscall.delete_key(self._maps["KILL_SPARED"], key)
        fresh = {key: _VALUE.pack(value) for key, value in spared.items() - self._spared.items()}
        bpf_syscall.update_many(self._maps["KILL_SPARED"], fresh)
        self._spared = spared
        self._armed, self._rules = len(kills.rules), kills.rules
        self._used = max(self._used, self._armed)
        self._write(0, _ACTS if ends_sharers else _OFF, kills.per_minute)
        for number, rule in enumerate(kills.rules, 1):
            self._write(number, _DRY if rule.dry_run else _ACTS, rule.per_minute)

    def disarm(self) -> None:
        """Disarm all rules at once."""
        for number in range(1, self._armed + 1):
            self._write(number, _OFF, 0)
        self._armed = 0

    def restore(self) -> bool:
        """Write entries of KILLS again that another process has changed; return True if there were any."""
        changed = [number for number, wanted in self._written.items() if self._read(number)[:2] != wanted]
        for number in changed:
            self._write(number, *self._written[number])
        return bool(changed)

    @property
    def is_armed(self) -> bool:
        """True if any rule is armed."""
        return self._armed > 0

    def denials(self) -> list[KernelDenial]:
        """Return the unreported denials, also would-be ones, of the rules that were last armed."""
        return list(denials(self._maps["DENIALS"], self._rules)) if self._rules else []

    def counts(self) -> tuple[int, int]:
        """Return (acts and would-be acts, matching calls that were left to user space) since the start."""
        found = [self._read(number) for number in range(1, self._used + 1)]
        return sum(one[5] for one in found), sum(one[6] for one in found)

    def acts(self) -> list[int]:
        """Return the number of acts of each armed rule."""
        return [self._read(number)[5] for number in range(1, self._armed + 1)]

    def _read(self, number: int) -> tuple[int, ...]:
        return KILL.unpack(bpf_syscall.lookup(self._maps["KILLS"], number, KILL.size))

    def _write(self, number: int, mode: int, per_minute: int) -> None:
        """Write mode and bound of an entry, keeping its spent budget; a program may count at the same time, and that
        act is then not counted."""
        _, _, minute, spent, spare, acts, left = self._read(number)
        self._written[number] = mode, per_minute
        bpf_syscall.update(self._maps["KILLS"], number, KILL.pack(mode, per_minute, minute, spent, spare, acts, left))


def spared_of(kills: KernelKills) -> dict[bytes, int]:
    """Return the entries of KILL_SPARED: for a process its start in hundredths of a second, for an executable the user
    that may run it besides root, 0 for a user."""
    found = {SPARED_KEY.pack(pid, 0, _PID): start // _TICK for pid, start in kills.spared_pids.items()}
    found |= {SPARED_KEY.pack(user, 0, _USER): 0 for user in kills.spared_users}
    executables = kills.spared_executables.items()
    return found | {SPARED_KEY.pack(inode, device, _EXECUTABLE): user for (device, inode), user in executables}


class KillPrograms(RulePrograms):
    """Owner of the kill rules' programs."""

    def load(self, functions: Mapping[str, KillFunction]) -> dict[str, str]:
        """Load these programs; return the types whose program the kernel refuses, with the reason."""
        refused: dict[str, str] = {}
        for name, function in functions.items():
            if any(loaded == function.name for loaded, _ in self._loaded):
                continue
            kinds = (bpf_syscall.RAW_TRACEPOINT,) if name == EXECUTED else self._kinds
            try:
                self._loaded |= self._code.load_filter(function.code, kinds, PARTS)
            except FilterRefused as error:
                refused[name] = str(error)
        return refused
