"""Events that are no system calls: going to sleep, handing the CPU over, touching memory."""

import contextlib
import ctypes
import mmap
import os
import resource
import time
from typing import Any, Final

PAGE: Final = mmap.PAGESIZE
_NO_HUGE_PAGES: Final = 15
_OWN_PAGES: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def _numbers() -> dict[str, int]:
    """Return the process's page faults and sizes (kB), as /proc has them now."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    with open("/proc/self/status") as status:
        rows = (line.partition(":") for line in status if line.startswith("Vm"))
        sizes = {name: int(rest.split()[0]) for name, _, rest in rows}
    return {"minor": int(fields[7]), "major": int(fields[9]), **sizes}


def sleep(times: int) -> tuple[dict[str, int], dict[str, int]]:
    """Sleep `times` times for a moment, each a context switch; return the process's numbers before and after."""
    _numbers()  # allocates the memory that reading takes
    before = _numbers()
    for _ in range(times):
        time.sleep(0.002)  # the act: a sleeping process gives up its CPU
    return before, _numbers()


def hand_over(rounds: int) -> int:
    """Let two processes on one CPU wait for each other in turn; return the other's pid."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    there, back = os.pipe(), os.pipe()
    other = os.fork()
    if other == 0:
        with contextlib.suppress(BrokenPipeError):
            for _ in range(rounds):
                os.read(there[0], 1)
                os.write(back[1], b"x")
        os._exit(0)
    for _ in range(rounds):
        os.write(there[1], b"x")
        os.read(back[0], 1)
    os.waitpid(other, 0)
    return other


def _fresh(pages: int) -> tuple[mmap.mmap, int]:
    """Return memory that no access has touched, and its address."""
    made = mmap.mmap(-1, pages * PAGE, _OWN_PAGES)
    made.madvise(_NO_HUGE_PAGES)
    return made, ctypes.addressof(ctypes.c_char.from_buffer(made))


def touch(pages: int) -> dict[str, Any]:
    """Write to `pages` fresh pages; read from as many others, then write to them; let the kernel write to yet
    others."""
    written, write_at = _fresh(pages)
    read, read_at = _fresh(pages)
    filled, fill_at = _fresh(pages)
    for page in range(pages):
        written[page * PAGE + 8] = 1
        _ = read[page * PAGE + 16]
        read[page * PAGE + 24] = 1
    with open("/dev/zero", "rb", buffering=0) as zero:
        zero.readinto(memoryview(filled))
    with open("/proc/self/maps") as file:
        lines = [line.split() for line in file]
    code = [tuple(int(end, 16) for end in line[0].split("-")) for line in lines if "x" in line[1]]
    return {"written": write_at, "read": read_at, "filled": fill_at, "code": code}


def run_data() -> int:
    """Let a child die of a jump into memory that holds no code; return the address."""
    made, address = _fresh(1)
    made[0] = 1
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.CFUNCTYPE(None)(address)()
    os.waitpid(child, 0)
    return address


def terminate() -> int:
    """Send SIGTERM to a child that does not handle it; return the child's pid."""
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(60)  # until the signal
    os.kill(child, 15)
    os.waitpid(child, 0)
    return child
