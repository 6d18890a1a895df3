"""Recordings of the same acts (live_acts.py) by the live sources, for the histories of golden.py.

python -m tests.core.state.live_recordings    writes tests/data/states/*.jsonl.gz again (as root)
"""

import asyncio
import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.recording.encode import RecordingEncoder, line
from mozu.core.recording.lines import VERSION, HeadLine
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support.families import traced
from tests.support.live import QUIET, Live, context, demand
from tests.support.requirements import DATA

FOLDER: Final = DATA / "states"
ACTS: Final = Path(__file__).with_name("live_acts.py")
KNOWN: Final = ("tree", "cwd", "ids", "realpath", "files")
COMMAND: Final = ("env", "-i", "PATH=/usr/bin:/bin", "/usr/bin/python3", "-I", "-S", "-B", "acts.py")
"""The command that runs the acts, without this program's environment."""
DIRECTORY: Final = Path(tempfile.gettempdir()) / "mozu-acts"


def by_ebpf() -> list[SyscallEvent]:
    """Return the events of the kernel programs, without reads and writes, which are too many on a whole machine."""
    with Live(EbpfSource(64 << 20, context()), demand(*QUIET, state_dependencies=KNOWN)) as live:
        process = subprocess.Popen(COMMAND)
        process.wait()
        return live.wait(lambda seen: any(one.type == "procexit" and one.tid == process.pid for one in seen))


def by_ptrace() -> list[SyscallEvent]:
    """Return the events of tracing."""
    return asyncio.run(traced([*COMMAND], (*QUIET, "read", "write"), KNOWN))


def of_program(events: Iterable[SyscallEvent]) -> Iterator[SyscallEvent]:
    """Yield the events of the program and of all its children, from its exec on."""
    family: set[int] = set()
    for event in events:
        if not family and event.type == "execve" and event.args[0] == 0 and "acts.py" in str(event.args):
            family.add(event.pid)
        if event.pid in family:
            if event.type == "_fork":
                family.add(event.observed.pid)
            yield event


def recording(source: str, events: list[SyscallEvent]) -> bytes:
    """Return the lines of a recording of these events."""
    head = HeadLine(
        version=VERSION, writer="mozu", source=source, live=True, origin="acts", hostname="node-a", number=0,
        time=events[0].time,
    )  # fmt: skip
    return b"".join((line(head), *RecordingEncoder().encode(events, 0)))


def main() -> None:
    """Write both recordings."""
    for source, record in (("ebpf", by_ebpf), ("ptrace", by_ptrace)):
        DIRECTORY.mkdir()
        shutil.copy(ACTS, DIRECTORY / "acts.py")
        os.chdir(DIRECTORY)
        try:
            events = [*of_program(record())]
        finally:
            shutil.rmtree(DIRECTORY)
        (FOLDER / f"{source}.jsonl.gz").write_bytes(gzip.compress(recording(source, events), mtime=0))
        print(f"{source}: {len(events)} events")


if __name__ == "__main__":
    main()
