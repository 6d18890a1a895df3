"""python benchmarks/state.py [SECONDS]: what the state machine costs, in ns per event, and how fast it seeds.

Numbers are the best of several rounds; nothing here judges them.
"""

import gc
import sys
import time
from collections.abc import Callable, Sequence

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.state import StateMachine
from mozu.core.state.observed import Executed, Forked

_BATCH = 1000
_NS = 1_000_000_000


def made(kind: str, tid: int, *, observed: object = None, file: File | None = None, **params: object) -> SyscallEvent:
    declared = event_type(kind)
    args = () if declared is None else tuple(params.get(param.name) for param in declared.params)
    return SyscallEvent("syscall", kind, 1, tid=tid, pid=tid, args=args, observed=observed, file=file)


def repeated(make: Callable[[int], Sequence[SyscallEvent]]) -> Callable[[], list[SyscallEvent]]:
    return lambda: [event for number in range(_BATCH) for event in make(number)]


def unchanging(_: int) -> Sequence[SyscallEvent]:
    return (made("ptrace", 10, res=0),)


def opening(number: int) -> Sequence[SyscallEvent]:
    return (made("openat", 10, fd=3 + number % 40, dirfd=-100, name="/usr/lib/x.so", flags=1, mode=0, dev=1, ino=2),)


def opening_live(number: int) -> Sequence[SyscallEvent]:
    file = File("file", realpath="/usr/lib/x.so", dev=8 << 20, ino=number)
    return (made("openat", 10, fd=3 + number % 40, dirfd=-100, name="/usr/lib/x.so", flags=1, mode=0, file=file),)


def opening_relative(number: int) -> Sequence[SyscallEvent]:
    return (made("openat", 10, fd=3 + number % 40, dirfd=-100, name=f"lib/x{number}.so", flags=1, mode=0),)


def opening_in_vain(_: int) -> Sequence[SyscallEvent]:
    return (made("openat", 10, fd=-2, dirfd=-100, name="/usr/lib/x.so", flags=1, mode=0),)


def writing(number: int) -> Sequence[SyscallEvent]:
    return (made("write", 10, res=1, data=b"x", fd=3 + number % 40, size=1),)


def moving(number: int) -> Sequence[SyscallEvent]:
    return (made("chdir", 10, res=0, path=f"/srv/{number}"),)


def living(number: int) -> Sequence[SyscallEvent]:
    """fork, exec, exit: three events, the first of which rules never see."""
    child = 1000 + number
    return (
        made("_fork", 10, observed=Forked(tid=child, pid=child, vtid=child, vpid=child, start=number + 1)),
        made("execve", child, res=0, exe="/bin/true", comm="true", args=b"-a\0", pid=child, observed=Executed()),
        made("procexit", child, status=0),
    )


CASES: dict[str, Callable[[], list[SyscallEvent]]] = {
    "no change": repeated(unchanging),
    "open": repeated(opening),
    "open, live": repeated(opening_live),
    "open, relative": repeated(opening_relative),
    "open, failed": repeated(opening_in_vain),
    "write": repeated(writing),
    "chdir": repeated(moving),
    "fork + exec + exit, each": repeated(living),
}


def best(batch: Callable[[], list[SyscallEvent]], seconds: float) -> float:
    """ns per event, release included."""
    machine = StateMachine(procfs="/nowhere")
    machine.apply([made("execve", 10, res=0, pid=10, comm="sh", cwd="/srv"), *repeated(opening)()])
    lowest, end = float("inf"), time.monotonic() + seconds
    while time.monotonic() < end:
        events = batch()
        begin = time.perf_counter_ns()
        machine.apply(events)
        machine.prune(machine._state.number + 1)
        lowest = min(lowest, (time.perf_counter_ns() - begin) / len(events))
    return lowest


def main(seconds: float) -> None:
    gc.disable()
    for name, batch in CASES.items():
        print(f"{name:28} {best(batch, seconds):8.0f} ns an event")
    machine = StateMachine()
    begin = time.perf_counter_ns()
    count = machine.seed()
    spent = time.perf_counter_ns() - begin
    print(f"{'seed':28} {spent / count / 1000:8.1f} µs a process ({count} processes, {spent / _NS:.3f} s)")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
