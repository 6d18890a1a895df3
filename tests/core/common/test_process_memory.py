"""The memory of this process: the resident size grows with written pages, and free pages are given back."""

import re
from pathlib import Path

from mozu.core.common.process_memory import ResidentMemory, trim

MIB = 1 << 20


def test_it_is_what_the_kernel_calls_vmrss_and_follows_what_the_process_takes() -> None:
    memory = ResidentMemory()
    before = memory.read()
    taken = bytearray(b"x") * (64 * MIB)
    during = memory.read()
    text = Path("/proc/self/status").read_text()
    status = int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) * 1024
    memory.close()

    assert len(taken) == 64 * MIB
    assert during - before > 60 * MIB
    assert abs(status - during) < 8 * MIB


def test_free_pages_go_back() -> None:
    memory = ResidentMemory()
    kept = [bytes(100_000) for _ in range(600)]
    kept = kept[::60]  # holes all over the arena, below its top
    before = memory.read()
    trim()

    assert len(kept) == 10
    assert memory.read() <= before
