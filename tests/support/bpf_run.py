"""Runs kernel filters in the kernel, for invented calls: BPF_PROG_TEST_RUN (Linux 5.10 for raw tracepoints)."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.assembly import CodeAssembler, Register
from mozu.plugins.sources.ebpf.maps import COUNTS, ENTRY, make_maps
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.objects.program_code import Loaded, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

_SYS_BPF, _TEST_RUN, _OBJECT_INFO = 321, 10, 15
_RUN_TIME_AT: Final = 192
_ATTRIBUTES: Final = struct.Struct("<IIIIQQIIIIQQII")
"""Attributes of BPF_PROG_TEST_RUN: prog_fd, retval, sizes, data, repeat, duration, sizes and addresses of the context,
flags, cpu."""
_SIZE: Final = 80
_CONTEXT: Final = 96
_PASSED: Final = 7

_libc = ctypes.CDLL(None, use_errno=True)


class FilterRunner:
    """The maps and subprograms of filters, with test programs behind the filters."""

    def __init__(self, maps: dict[str, int], code: ProgramCode) -> None:
        self.maps, self._code = maps, code
        self._cpus = bpf_syscall.possible_cpus()
        self._generation = 0

    @contextmanager
    def loaded(self, code: RelocatableCode, number: int) -> Iterator[int]:
        """Yield the descriptor of a filter for calls of this number; calls that pass go on to a program that returns
        `_PASSED`."""
        family = CodeAssembler()
        family.move(Register.R0, _PASSED)
        family.exit()
        passed = bpf_syscall.load(bpf_syscall.RAW_TRACEPOINT, "passed", family.assembled("passed").instructions)
        bpf_syscall.update(self.maps["RAW_TP_PROGS"], number + NUMBERS_END, struct.pack("<I", passed))
        programs = self.load(code)
        try:
            yield next(iter(programs.values()))
        finally:
            for fd in (passed, *programs.values()):
                os.close(fd)

    def load(self, code: RelocatableCode) -> Loaded:
        """Load the programs of a filter; the caller closes their descriptors."""
        return self._code.load_filter(code, [bpf_syscall.RAW_TRACEPOINT])

    def verified(self, code: RelocatableCode) -> int:
        """Return the count of instructions that the verifier looked at when the filter was loaded."""
        return self._code.verified[code.name]

    def subprograms(self) -> None:
        """Load the subprograms that all filters may call."""
        self._code.subprograms(self._code.choice)

    def passes(self, program: int, call: bytes, pid: int, verdict: int) -> bool:
        """Return True if a call (struct syscall_ctx) passes, of a process with this verdict; if it does not, it must be
        counted as filtered."""
        number = struct.unpack_from("<i", call, 96)[0]
        self.prepare(call, pid, verdict)
        before = self._filtered(number)
        passed = self.run(program) == _PASSED
        assert self._filtered(number) - before == (not passed)
        return passed

    def prepare(self, call: bytes, pid: int, verdict: int) -> None:
        """Set the generation, the process's verdict and the call for the next runs."""
        self._generation += 1
        bpf_syscall.update(self.maps["GENERATION"], 0, struct.pack("<Q", self._generation))
        self.publish(pid, verdict)
        self.place(call)

    def publish(self, pid: int, verdict: int) -> None:
        """Publish a process's verdict, in the generation of the last `prepare`."""
        bpf_syscall.update(self.maps["PROC_VERDICTS"], pid, ENTRY.pack(self._generation, verdict))

    def place(self, call: bytes) -> None:
        """Store the call that the next run is about."""
        bpf_syscall.update(self.maps["SYSCALL_CTX"], 0, call * self._cpus)

    def _filtered(self, number: int) -> int:
        raw = bpf_syscall.lookup(self.maps["COUNTS"], number, COUNTS.size * self._cpus)
        return sum(filtered for _, filtered, _, _ in COUNTS.iter_unpack(raw))

    @staticmethod
    def run(program: int) -> int:
        """Run the program once; return its result. Raises OSError."""
        context = ctypes.create_string_buffer(_CONTEXT)
        fields = _ATTRIBUTES.pack(program, 0, 0, 0, 0, 0, 0, 0, _CONTEXT, 0, ctypes.addressof(context), 0, 0, 0)
        attributes = ctypes.create_string_buffer(fields, _SIZE)
        if _libc.syscall(_SYS_BPF, _TEST_RUN, attributes, _SIZE) < 0:
            raise OSError(ctypes.get_errno(), "BPF_PROG_TEST_RUN")
        return int(struct.unpack_from("<I", attributes, 4)[0])


def run_time(runner: FilterRunner, program: int, call: bytes, times: int) -> float:
    """Return the mean nanoseconds of runs for a call that is discarded, of a process for which no predicate holds."""
    runner.prepare(call, os.getpid(), 0)
    before = run_count(program)
    for _ in range(times):
        if runner.run(program) == _PASSED:
            raise ValueError("the call is not discarded")
    (time, count), (time_before, count_before) = run_count(program), before
    return (time - time_before) / (count - count_before)


def run_count(program: int) -> tuple[int, int]:
    """Return run_time_ns and run_cnt of struct bpf_prog_info."""
    info = ctypes.create_string_buffer(256)
    attributes = ctypes.create_string_buffer(struct.pack("<IIQ", program, len(info), ctypes.addressof(info)), 16)
    if _libc.syscall(_SYS_BPF, _OBJECT_INFO, attributes, 16) < 0:
        raise OSError(ctypes.get_errno(), "BPF_OBJ_GET_INFO_BY_FD")
    nanoseconds, count = struct.unpack_from("<QQ", info, _RUN_TIME_AT)
    return int(nanoseconds), int(count)


@contextmanager
def filter_runner() -> Iterator[FilterRunner]:
    maps = make_maps(1 << 16, requests=False)
    code = ProgramCode(maps, codegen.read_types())
    try:
        yield FilterRunner(maps, code)
    finally:
        code.close()
        for fd in maps.values():
            os.close(fd)
