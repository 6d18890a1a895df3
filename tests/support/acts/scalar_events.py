"""What is no call: going to sleep, handing the CPU over, touching memory."""

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
    """Faults and sizes (kB) of the process, as /proc has them now."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    with open("/proc/self/status") as status:
        rows = (line.partition(":") for line in status if line.startswith("Vm"))
        sizes = {name: int(rest.split()[0]) for name, _, rest in rows}
    return {"minor": int(fields[7]), "major": int(fields[9]), **sizes}


def sleep(times: int) -> tuple[dict[str, int], dict[str, int]]:
    """So many short sleeps: each is a switch. What is true before and after them."""
    _numbers()  # whatever memory the reading itself takes is there from now on
    before = _numbers()
    for _ in range(times):
        time.sleep(0.002)  # the act: whoever sleeps gives its CPU away
    return before, _numbers()


def hand_over(rounds: int) -> int:
    """Two processes on one CPU wait for each other in turn; gives the other's number."""
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
    """Memory that nobody has touched, and its address."""
    made = mmap.mmap(-1, pages * PAGE, _OWN_PAGES)
    made.madvise(_NO_HUGE_PAGES)
    return made, ctypes.addressof(ctypes.c_char.from_buffer(made))


def touch(pages: int) -> dict[str, Any]:
    """Write to so many fresh pages; read from as many others, then write to those; let the kernel write to others."""
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
    """A child jumps into memory that holds no code, and dies of it; gives where to."""
    made, address = _fresh(1)
    made[0] = 1
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.CFUNCTYPE(None)(address)()
    os.waitpid(child, 0)
    return address


def terminate() -> int:
    """A child that does nothing about SIGTERM is sent it; gives the child's number."""
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(60)  # until the signal
    os.kill(child, 15)
    os.waitpid(child, 0)
    return child
