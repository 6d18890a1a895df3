"""At the exits of calls: what fills `struct syscall_ctx` and tail-calls the program of the call's family.

Where 32-bit calls are not watched that is an instance of native.c at the tracepoint of each call: other calls pay next
to nothing, and the kernel counts the runs that it skips (recursion_misses) for each event type. 32-bit calls have the
raw tracepoint of all calls alone, which fires for native ones too. So where they are watched its one program (calls.c)
takes the place of all instances: two programs at the exit of a call cost twice what one does (ADR 53).
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.model.arch import MACHINE, Machine
from mozu.core.model.syscalls import kernel_number
from mozu.plugins.sources.ebpf import bpf_syscall, checks, compat
from mozu.plugins.sources.ebpf.codegen import SYS_EXIT
from mozu.plugins.sources.ebpf.tracepoints import Program

Pair = tuple[int, int]
"""A program and its attachment."""
Attach = Callable[[Program, Program], Pair | None]
"""(what is loaded, what names the tracepoint) → a new instance; None where this kernel has no such tracepoint."""


_NATIVE: Final = 1
_COMPAT: Final = 2
"""WATCHED_NATIVE and WATCHED_COMPAT of bpf/programs/calls.c."""


class CallExits(Protocol):
    """One way to be called at the exits of calls."""

    program: Program
    array: str
    """The program array through which it tail-calls."""
    kind: int
    """The type of the programs in it."""

    @property
    def shared(self) -> Sequence[Pair]:
        """What is attached for all calls together."""

    def watch(self, spec: SyscallSpec, at: Program) -> list[Pair] | None:
        """Be called at the exit of this call, whose tracepoint `at` names: what is attached for it alone.

        None where this kernel does not have the call.
        """

    def ignore(self, spec: SyscallSpec) -> None:
        """Not at this one any more; what `watch` gave is detached by the caller."""

    def end_test(self, spec: SyscallSpec, pairs: Sequence[Pair], *, waits: bool) -> None:
        """The same after a test of one call, others being watched soon; `waits` until no CPU runs its program."""


class ExitOfEachCall:
    """An instance for each call."""

    program = SYS_EXIT
    array, kind = "TP_PROGS", bpf_syscall.TRACEPOINT
    shared: Final[Sequence[Pair]] = ()

    def __init__(self, attach: Attach) -> None:
        self._attach = attach

    def watch(self, spec: SyscallSpec, at: Program) -> list[Pair] | None:
        """One more instance."""
        pair = self._attach(self.program, at)
        return None if pair is None else [pair]

    def ignore(self, spec: SyscallSpec) -> None:
        """It was attached for this call alone."""

    def end_test(self, spec: SyscallSpec, pairs: Sequence[Pair], *, waits: bool) -> None:
        """To close an attachment takes a grace period; others close it together with their ends."""
        for program, attachment in pairs:
            if waits:
                os.close(attachment)
            else:
                bpf_syscall.detach_all([attachment])
            os.close(program)


class ExitOfAllCalls:
    """One program for native and 32-bit calls; the map WATCHED says of which more than the number is read."""

    program = compat.PROGRAM
    array, kind = "RAW_TP_PROGS", bpf_syscall.RAW_TRACEPOINT

    def __init__(self, attach: Attach, maps: Mapping[str, int], tracefs: Path) -> None:
        self._attach, self._maps, self._tracefs = attach, maps, tracefs
        self._numbers: set[int] = set()
        """Native ones that are watched."""
        self.shared: list[Pair] = []

    def watch(self, spec: SyscallSpec, at: Program) -> list[Pair] | None:
        """Attached with the first."""
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
        """Detached with the last."""
        self._mark(spec.number, is_watched=False)
        while self.shared and not self._numbers:
            program, attachment = self.shared.pop()
            os.close(attachment)
            os.close(program)

    def end_test(self, spec: SyscallSpec, pairs: Sequence[Pair], *, waits: bool) -> None:
        """It stays attached."""
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
    """The map WATCHED, by the kernel's numbers, while the calls of these numbers of mozu are watched."""
    found = dict.fromkeys(range(NUMBERS_END), 0)
    for number in numbers:
        if (place := kernel_number(number, machine.abi)) is not None:
            found[place] |= _NATIVE
    for number, native in compat.native_numbers(machine):
        if native in numbers:
            found[number] |= _COMPAT
    return found
