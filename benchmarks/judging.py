"""Cost of an event that user space judges and that no rule matches: from the ring buffer to the end of a batch.

    python -m benchmarks.judging [--rules FILE ...] [--rounds 5] [--profile NAME]

Records as the kernel writes them lie in a ring buffer in memory; they are drained, decoded, taken into the state and
judged in the batches in which the source does it. Nothing else runs: no kernel, no sink. Rounds in turns, medians; in
brackets the least. A row is an open, or a fork with its exec and its exit.
"""

import argparse
import cProfile
import gc
import logging
import mmap
import os
import pstats
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.cli.process_settings import settle
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.core.testing import context
from mozu.plugins.rules.falco import mozu_components
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.ebpf.decode import RecordDecoder
from mozu.plugins.sources.ebpf.ring import MAX_BATCH, RingBuffer
from mozu.plugins.sources.ebpf.wire import layouts
from tests.core.flow.making import pipeline_of

RULES: Final = """
- rule: Judged in user space
  desc: No event matches.
  condition: evt.type in (open, openat) and fd.name startswith /srv and proc.aname[7] = no-such-program
  output: never
  priority: NOTICE
"""
EVENTS: Final = 20_000
_SIZE: Final = 8 << 20
_PAGE: Final = mmap.PAGESIZE
_START: Final = 1_000
_MEMORY: Final = {"memory": 16 << 20, "without memory": 0}
"""Size of the verdict memory."""


def record(struct_name: str, texts: Sequence[bytes] = (), /, **values: object) -> bytes:
    """Return a record of a wire struct; members that are not given are 0."""
    layout = layouts()[struct_name]
    known: dict[str, object] = {member: b"" if member == "comm" else 0 for member in layout.names()}
    for prefix in ("endpoints_local", "endpoints_remote"):
        known.update({key: b"" for key in known if key == prefix})
    return layout.packer.pack(*(known | values).values()) + b"".join(texts)


def opening(pid: int, path: str, ino: int, time: int) -> bytes:
    """An openat of an absolute path that gave descriptor 3."""
    raw = path.encode()
    return record(
        "open", (raw, raw), head_time=time, head_cgroup=4711, head_result=3, head_pid=pid, head_tid=pid,
        head_type=SYSCALL_SPECS["openat"].number, head_cpu=time % 2, file_ino=ino, file_dev=8 << 20, file_mode=0o100644,
        dirfd=-100, user=len(raw), real=len(raw),
    )  # fmt: skip


def living(child: int, time: int) -> list[bytes]:
    """A fork of process 10, the exec and the exit of the child."""
    start = {"head_time": time, "head_cgroup": 4711}
    own = {"head_pid": child, "head_tid": child}
    args, exe, cwd, groups = b"true\0-a\0", b"/usr/bin/true", b"/root", b"cpu=/user.slice\0"
    forked = record(
        "fork", **start, head_pid=10, head_tid=10, head_type=SYSCALL_SPECS["_fork"].number, start=time, child_tid=child,
        child_pid=child, child_vtid=child, child_vpid=child, parent=10,
    )  # fmt: skip
    executed = record(
        "process", (args, exe, cwd, exe), **start, **own, head_type=SYSCALL_SPECS["execve"].number, file_ino=5,
        start=time, parent=10, pgid=child, vpgid=child, vsid=10, vpid=child, vtid=child, comm=b"true",
        exe=len(exe), args=len(args), cwd=len(cwd), cgroups=0, name=len(exe), fdlimit=1024,
    )  # fmt: skip
    ended = record("exit", **start, **own, head_type=SYSCALL_SPECS["procexit"].number, reaper=1)
    del groups
    return [forked, executed, ended]


def same_path(first: int) -> list[bytes]:
    return [opening(10, "/srv/data/file", 77, first + number) for number in range(EVENTS)]


def many_paths(first: int) -> list[bytes]:
    """10,000 paths and 100 processes, in an order that repeats after a million."""
    found = []
    for number in range(first, first + EVENTS):
        path = number * 7919 % 10_000
        found.append(opening(_START + number % 100, f"/srv/data/{path:05}/file", path, number))
    return found


def never_again(first: int) -> list[bytes]:
    return [opening(10, f"/srv/data/{number:012}", number, number) for number in range(first, first + EVENTS)]


def spawns(first: int) -> list[bytes]:
    count = EVENTS // 10
    return [one for number in range(first, first + count) for one in living(20_000 + number % 4_000_000, number)]


CASES: Final[dict[str, tuple[Callable[[int], list[bytes]], int]]] = {
    "open, one path": (same_path, EVENTS),
    "open, 10,000 paths × 100 processes": (many_paths, EVENTS),
    "open, never again": (never_again, EVENTS),
    "fork + exec + exit": (spawns, EVENTS // 10),
}


class Ring:
    """A ring buffer as the kernel lays it out, in a file in memory."""

    def __init__(self) -> None:
        self._fd = os.memfd_create("ring")
        os.ftruncate(self._fd, 2 * _PAGE + _SIZE)
        self._memory = mmap.mmap(self._fd, 2 * _PAGE + _SIZE)
        self.buffer = RingBuffer(self._fd, _SIZE)
        self._at = 0

    def put(self, records: Sequence[bytes]) -> None:
        """Write records behind those that were read."""
        assert self.buffer.pending() == 0
        self._at = 0
        for data in records:
            start = 2 * _PAGE + self._at
            self._memory[start : start + 8 + len(data)] = struct.pack("<II", len(data), 0) + data
            self._at += len(data) + 15 & ~7
            assert self._at < _SIZE
        self._memory[:8] = bytes(8)
        self._memory[_PAGE : _PAGE + 8] = self._at.to_bytes(8, "little")


class Chain:
    """The pipeline of a run, without a loop and without sinks."""

    def __init__(self, rules: Sequence[Path], verdict_memory: int) -> None:
        self.ring, self.decoder = Ring(), RecordDecoder()
        fields = FieldRegistry((*builtin_fields(), *mozu_components().fields))
        about = context("benchmark", offline=True)
        about.fields, about.log = fields, logging.getLogger("mozu.benchmark")
        about.log.setLevel(logging.CRITICAL)
        settings = mozu_components().settings.model_validate({"rules": [str(path) for path in rules]})
        self.state = StateMachine(procfs="/nowhere")
        self.pipeline = pipeline(self.decoder, FalcoEvaluator(settings, about), self.state, verdict_memory)
        self.first = 1
        self._known()

    def _known(self) -> None:
        """systemd, a shell, and what it has started."""
        start = [record("fork", head_pid=pid, head_tid=pid, head_type=SYSCALL_SPECS["_fork"].number, start=1,
                        child_tid=child, child_pid=child, child_vtid=child, child_vpid=child, parent=pid)
                 for pid, child in [(1, 10), *((10, _START + number) for number in range(100))]]  # fmt: skip
        self.ring.put(start)
        self.run()

    def run(self) -> None:
        """Process the content of the ring buffer, in batches."""
        while batch := self.ring.buffer.drain(self.decoder, MAX_BATCH):
            self.pipeline.process(batch)

    def measured(self, make: Callable[[int], list[bytes]], count: int) -> float:
        """µs for one."""
        self.ring.put(make(self.first))
        self.first += EVENTS
        gc.collect()
        begun = time.process_time_ns()
        self.run()
        return (time.process_time_ns() - begun) / count / 1000


def pipeline(decoder: RecordDecoder, evaluator: Any, state: StateMachine, verdict_memory: int) -> Any:
    """The pipeline of a source; the decoder stands for it."""
    metrics = Metrics()
    source = Isolated("source", "ebpf", decoder, metrics)
    return pipeline_of(source, evaluator, live=True, state=state, metrics=metrics, verdict_memory=verdict_memory)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", choices=CASES)
    options = parser.parse_args()
    settle()
    with tempfile.TemporaryDirectory() as place:
        own = Path(place, "rules.yaml")
        own.write_text(RULES)
        chains = {(name, text): Chain(options.rules or [own], size) for name in CASES for text, size in _MEMORY.items()}
    gc.freeze()
    gc.enable()
    found: dict[tuple[str, str], list[float]] = {key: [] for key in chains}
    for _ in range(options.rounds):
        for key, chain in chains.items():
            found[key].append(chain.measured(*CASES[key[0]]))
    for (name, text), times in found.items():
        print(f"{name:<36} {text:<16} {statistics.median(times):6.2f} µs ({min(times):.2f})")
    if options.profile:
        make, _ = CASES[options.profile]
        chain = chains[options.profile, "memory"]
        chain.ring.put(make(chain.first))
        profile = cProfile.Profile()
        profile.runcall(chain.run)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
