"""Programs at the exits of calls, which fill `struct syscall_ctx` and tail-call the program of the call's family.

If 32-bit calls are not watched, an instance of native.c runs at the tracepoint of each call: other calls cost next to
nothing, and the kernel counts skipped runs (recursion_misses) for each event type. 32-bit calls only have the raw
tracepoint of all calls, which fires for native ones too. If they are watched, its one program (calls.c) therefore
replaces all instances: two programs at the exit of a call cost twice as much as one (ADR 53).

`test_exits` checks at a start that a call's arguments and result can be read there, by a call of mozu's own.
"""

import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.api import SourceUnavailable
from mozu.core.model.arch import MACHINE, Machine
from mozu.core.model.syscalls import kernel_number, machine_number
from mozu.plugins.sources.ebpf import bpf_syscall, checks, entry_paths
from mozu.plugins.sources.ebpf.maps import SELFTEST_ARGUMENTS, SELFTEST_RESULT
from mozu.plugins.sources.ebpf.objects.codegen import SELFTEST, SYS_EXIT
from mozu.plugins.sources.ebpf.objects.program_code import ProgramCode
from mozu.plugins.sources.ebpf.tracepoints import Program

Pair = tuple[int, int]
"""Descriptors of a program and of its attachment."""
Attach = Callable[[Program, Program], Pair | None]
"""Function (program to load, program that names the tracepoint) that returns a new instance; None if this kernel has no
such tracepoint."""


_NATIVE: Final = 1
_COMPAT: Final = 2
"""WATCHED_NATIVE and WATCHED_COMPAT of bpf/programs/calls.c."""


class CallExits(Protocol):
    """A way to run at the exits of calls."""

    program: Program
    array: str
    """Name of the program array for its tail calls."""
    kind: int
    """Type of the programs in the array."""

    @property
    def shared(self) -> Sequence[Pair]:
        """Programs and attachments for all calls together."""

    def watch(self, spec: SyscallSpec, at: Program) -> list[Pair] | None:
        """Run at the exit of this call, whose tracepoint `at` names; return the programs and attachments for it alone.

        Returns None if this kernel does not have the call.
        """

    def ignore(self, spec: SyscallSpec) -> None:
        """Stop running at the exit of this call; the caller detaches what `watch` has returned."""

    def end_test(self, spec: SyscallSpec, pairs: Sequence[Pair], *, waits: bool) -> None:
        """End a test of one call, while others will be watched soon. `waits`: return after no CPU runs its program."""


class ExitOfEachCall:
    """Exit programs with an instance for each call."""

    program = SYS_EXIT
    array, kind = "TP_PROGS", bpf_syscall.TRACEPOINT
    shared: Final[Sequence[Pair]] = ()

    def __init__(self, attach: Attach) -> None:
        self._attach = attach

    def watch(self, spec: SyscallSpec, at: Program) -> list[Pair] | None:
        """Load and attach one more instance."""
        pair = self._attach(self.program, at)
        return None if pair is None else [pair]

    def ignore(self, spec: SyscallSpec) -> None:
        """Do nothing: the caller detaches the call's own instance."""

    def end_test(self, spec: SyscallSpec, pairs: Sequence[Pair], *, waits: bool) -> None:
        """Close the test's attachment, which takes a grace period; others close it together with their ends."""
        for program, attachment in pairs:
            if waits:
                os.close(attachment)
            else:
                bpf_syscall.detach_all([attachment])
            os.close(program)


class ExitOfAllCalls:
    """A single exit program for native and 32-bit calls; the map WATCHED selects the calls of which more than the
    number is read."""

    program = entry_paths.CALLED
    array, kind = "RAW_TP_PROGS", bpf_syscall.RAW_TRACEPOINT

    def __init__(self, attach: Attach, maps: Mapping[str, int], tracefs: Path) -> None:
        self._attach, self._maps, self._tracefs = attach, maps, tracefs
        self._numbers: set[int] = set()
        """Numbers of watched native calls."""
        self.shared: list[Pair] = []

    def watch(self, spec: SyscallSpec, at: Program) -> list[Pair] | None:
        """Mark the call as watched; attach the program with the first one."""
        is_native = kernel_number(spec.number) is not None  # else 32-bit calls alone can be it
        if checks.tracepoint_id(self._tracefs, at.tracepoint, at.group) is None and is_native:
            return None
        if not self.shared:
            pair = self._attach(self.program, self.program)
            if pair is None:
                return None
            self.shared.append(pair)
        self._mark(spec.number, is_watched=True)
        return []

    def ignore(self, spec: SyscallSpec) -> None:
        """Mark the call as not watched; detach the program with the last one."""
        self._mark(spec.number, is_watched=False)
        while self.shared and not self._numbers:
            program, attachment = self.shared.pop()
            os.close(attachment)
            os.close(program)

    def end_test(self, spec: SyscallSpec, pairs: Sequence[Pair], *, waits: bool) -> None:
        """Mark the call as not watched; the program stays attached."""
        self._mark(spec.number, is_watched=False)

    def _mark(self, number: int, *, is_watched: bool) -> None:
        before = watched_words(self._numbers)
        if is_watched:
            self._numbers.add(number)
        else:
            self._numbers.discard(number)
        for place, word in watched_words(self._numbers).items():
            if word != before[place]:
                bpf_syscall.update(self._maps["WATCHED"], place, bytes([word]))


def watched_words(numbers: Collection[int], machine: Machine = MACHINE) -> Mapping[int, int]:
    """Return the content of the map WATCHED, by the kernel's numbers, if the calls with these numbers of mozu are
    watched."""
    found = dict.fromkeys(range(NUMBERS_END), 0)
    for number in numbers:
        if (place := kernel_number(number, machine.abi)) is not None:
            found[place] |= _NATIVE
    for number, native in entry_paths.native_numbers(machine):
        if native in numbers:
            found[number] |= _COMPAT
    return found


_SPLICE: Final = SYSCALL_SPECS["splice"]


def test_exits(code: ProgramCode, exits: CallExits, maps: Mapping[str, int], *, waits: bool) -> int:
    """Return mozu's process id in the initial pid namespace. Raises SourceUnavailable if the values read are wrong.

    `waits`: return after the program is detached, which takes a grace period; needed if splice itself will be watched.
    """
    program = struct.pack("<I", code.shared_program(SELFTEST, exits.kind))
    bpf_syscall.update(maps[exits.array], _SPLICE.number, program)
    pairs = exits.watch(_SPLICE, SELFTEST)
    try:
        result = bpf_syscall.call(machine_number("splice"), *SELFTEST_ARGUMENTS)
    finally:
        exits.end_test(_SPLICE, pairs or (), waits=waits)
        bpf_syscall.delete(maps[exits.array], _SPLICE.number)
    raw = bpf_syscall.lookup(maps["SELFTEST"], 0, SELFTEST_RESULT.size)
    *found, returned, task = SELFTEST_RESULT.unpack(raw)
    expected = [value & 0xFFFFFFFFFFFFFFFF for value in SELFTEST_ARGUMENTS]
    if found != expected or returned != result:
        raise SourceUnavailable(
            f"source ebpf: a call was made with {expected} and gave {result}, but the program at its exit read "
            f"{found} and {returned}; this kernel saves registers in a way that mozu does not know"
        )
    return int(task) >> 32
