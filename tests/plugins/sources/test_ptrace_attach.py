"""Attaching to a process that runs, and detaching from it."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace.source import PtraceSource
from tests.support.live import context, demand

pytestmark = pytest.mark.live  # traces processes

SCRIPT = "while read line; do cat /etc/hostname > /dev/null; echo done; done"


async def _watch(process: "subprocess.Popen[str]") -> list[SyscallEvent]:
    assert process.stdin is not None
    source = PtraceSource((), process.pid, job_control=False, context=context())
    await source.start(demand("openat"))
    process.stdin.write("\n")
    process.stdin.flush()
    found: list[SyscallEvent] = []
    async for batch in source.batches():
        found += batch
        if any(event.type == "procexit" for event in batch):
            await source.stop()
    return found


def test_an_attached_process_is_seen_with_its_children_and_runs_on_when_it_is_let_go() -> None:
    with subprocess.Popen(["sh", "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        events = asyncio.run(asyncio.wait_for(_watch(process), 30))
        reported, _ = process.communicate("\n", timeout=30)

    opened = {event.args[2] for event in events if event.type == "openat"}
    assert ("done\ndone\n", 0, True) == (reported, process.returncode, "/etc/hostname" in opened)


def _tracer_of(pid: int) -> int:
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(rows["TracerPid"])


def _until_traced(pid: int, *, traced: bool) -> None:
    deadline = time.monotonic() + 60
    while bool(_tracer_of(pid)) != traced:
        assert time.monotonic() < deadline, f"tracer: {_tracer_of(pid)}"
        time.sleep(0.02)  # mozu is another process


TRACED = """
import os, subprocess, sys
from mozu.plugins.sources.ptrace.attach import Attacher
code = "import sys; from mozu.plugins.sources.ptrace.native import seize; seize(int(sys.argv[1]), 0); print(); input()"
command = [sys.executable, "-c", code, str(os.getpid())]
with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as debugger:
    debugger.stdout.readline()
    attacher = Attacher(debugger.pid, lambda pid: False, lambda *task: None)
    print(attacher.scan(), dict(attacher.refused))
    debugger.stdin.write(b"\\n")
"""


def test_a_debugger_that_traces_mozu_is_not_traced_by_it() -> None:
    """Two tracers that trace each other would wait for ever, and so would all their other tracees."""
    found = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=60, check=False)
    assert "0 {'traces mozu itself': 1}\n" == found.stdout, found.stderr


def test_when_mozu_is_killed_a_process_that_it_attached_to_runs_on_free(tmp_path: Path) -> None:
    config = tmp_path / "mozu.yaml"
    with subprocess.Popen(["sh", "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        config.write_text(f"sources:\n  - ptrace: {{pid: {process.pid}}}\nsinks:\n  - stdout\n")
        with subprocess.Popen([sys.executable, "-m", "mozu", "run", "--config", config]) as mozu:
            _until_traced(process.pid, traced=True)
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()

            mozu.kill()

        _until_traced(process.pid, traced=False)
        reported, _ = process.communicate("\n", timeout=30)

    assert ("done\n", 0) == (reported, process.returncode)
