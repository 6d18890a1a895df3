"""Check at a start that a call's arguments and result can be read at its exit, by a call of mozu's own."""

import struct
from collections.abc import Mapping
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import SourceUnavailable
from mozu.core.model.syscalls import machine_number
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.call_exits import CallExits
from mozu.plugins.sources.ebpf.codegen import SELFTEST
from mozu.plugins.sources.ebpf.maps import SELFTEST_ARGUMENTS, SELFTEST_RESULT
from mozu.plugins.sources.ebpf.program_code import ProgramCode

_SPLICE: Final = SYSCALL_SPECS["splice"]


def run(code: ProgramCode, exits: CallExits, maps: Mapping[str, int], *, waits: bool) -> int:
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
