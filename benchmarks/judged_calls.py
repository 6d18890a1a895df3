"""Cost for an open of the check in the kernel for an equal call that was judged (bpf/verdict_memory.h).

    python -m benchmarks.judged_calls [--rounds 40] [--cpu 1]

Nothing is attached: the kernel runs the program of opens for a made-up call of this process (BPF_PROG_TEST_RUN) and
counts the time itself (`kernel.bpf_stats_enabled`). Four cases by turns, 2,000 runs each, into an empty ring buffer:
no open is hashed; the caller has no class; each has a key that no verdict is known for; each is recognised, and
discarded.
"""

import argparse
import os
import statistics
import struct
from pathlib import Path
from typing import Final

from benchmarks.kernel_filters import counted, opening
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.maps import CALLER_CLASS, OUTPUT_INDEX, make_maps
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.objects.program_code import ProgramCode
from mozu.plugins.sources.ebpf.ring import FlowMap, RingBuffer
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS
from tests.support.bpf_run import FilterRunner, run_count

_RING: Final = 64 << 20
_RUNS: Final = 2000
_PATH: Final = b"/usr/lib/x86_64-linux-gnu/libc.so.6"
NO_KEYS, NO_CLASS, IN_VAIN, RECOGNISED = "no keys", "no class", "looked for in vain", "recognised"
_GENERATIONS: Final = {NO_KEYS: 0, NO_CLASS: 3, IN_VAIN: 2, RECOGNISED: 1}
"""Case → generation of classes and of judged calls: the third case has neither, the second only the class."""


class Opens:
    """The program, and what it finds."""

    def __init__(self) -> None:
        self.maps = make_maps(_RING, requests=False)
        code = ProgramCode(self.maps, codegen.read_types())
        code.provide([*PROGRAMS["openat"], codegen.OUTPUT])
        kind = bpf_syscall.RAW_TRACEPOINT
        output = code.shared_program(codegen.OUTPUT, kind)
        bpf_syscall.update(self.maps["RAW_TP_PROGS"], OUTPUT_INDEX, struct.pack("<I", output))
        self.program = code.shared_program(PROGRAMS["openat"][0], kind)
        self.ring, self.flow = RingBuffer(self.maps["RING"], _RING), FlowMap(self.maps["FLOW"], _RING)
        self.flow.set_watermark(_RING)
        self._class = 0
        call, self._text = opening(_PATH, os.open(_PATH, os.O_RDONLY), os.getpid())
        bpf_syscall.update(self.maps["SYSCALL_CTX"], 0, call * bpf_syscall.possible_cpus())

    def _hash(self) -> bytes:
        """Return the end of the record of an open: its caller, or its key."""
        FilterRunner.run(self.program)
        (record,) = self.ring.drain(lambda data: data, 1)
        return record[-8:]

    def prepare(self, case: str) -> None:
        """Fill the maps for a case."""
        generation = _GENERATIONS[case]
        self.flow.recognise(_GENERATIONS[NO_CLASS], keeps_paths=False)
        self.ring.drain(lambda record: None, _RING)
        if case in (IN_VAIN, RECOGNISED):
            self._class += 1  # of which no key is known
            known = CALLER_CLASS.pack(self._class, generation)
            bpf_syscall.update_many(self.maps["CALLER_CLASSES"], {self._hash(): known})
        self.flow.recognise(generation, keeps_paths=False)
        if case == RECOGNISED:
            bpf_syscall.update_many(self.maps["JUDGED_CALLS"], {self._hash(): generation.to_bytes(4, "little")})

    def mean(self, case: str) -> float:
        """Nanoseconds of a run."""
        self.prepare(case)
        FilterRunner.run(self.program)
        time, count = run_count(self.program)
        for _ in range(_RUNS):
            FilterRunner.run(self.program)
        time_after, count_after = run_count(self.program)
        return (time_after - time) / (count_after - count)


def ancestors() -> int:
    """Return the number of this process's ancestors, up to init."""
    count, pid = 0, os.getpid()
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        count += pid > 0
    return count


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--cpu", type=int, default=1)
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.cpu})
    opens = Opens()
    found: dict[str, list[float]] = {case: [] for case in _GENERATIONS}
    with counted():
        for _ in range(options.rounds):
            for case, times in found.items():
                times.append(opens.mean(case))
    print(f"| an open, {ancestors()} ancestors | least | median |\n|---|---|---|")
    for case, times in found.items():
        print(f"| {case} | {min(times):.0f} ns | {statistics.median(times):.0f} ns |")


if __name__ == "__main__":
    main()
