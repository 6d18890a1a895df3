"""Monitors under measurement: mozu, or any other command line."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT = 60.0
"""Seconds after which something that must happen has not happened."""


class Usage(msgspec.Struct):
    """Resources that a monitor used while a workload ran."""

    cpu: float = 0.0
    """Seconds."""
    rss: float = 0.0
    """MiB at the end."""
    lost: int = 0
    """Events, -1 if the monitor does not report them."""
    alerts: int = 0


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def end(process: "subprocess.Popen[Any]") -> None:
    """Terminate the process, or kill it if that takes too long."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Monitor:
    """A command that watches the machine; `ready` is what it writes on stderr or stdout once it does."""

    def __init__(self, name: str, command: Sequence[str], ready: str) -> None:
        self.name, self._command, self._ready = name, list(command), ready

    def command(self, stats: Path) -> list[str]:
        """The command line."""
        return self._command

    def lost(self, stats: Path) -> int:
        """Events lost, by the monitor's own account."""
        return -1

    @contextmanager
    def watching(self, usage: Usage) -> Iterator[None]:
        """Run it around the block; `usage` holds what the block cost it."""
        with tempfile.TemporaryDirectory() as folder:
            stats = Path(folder) / "stats.json"
            # In a session of its own, as a service manager starts it: where the scheduler groups processes by session
            # (autogroup), a monitor in that of the workload would be one of its processes.
            process = subprocess.Popen(
                self.command(stats), start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            ready, counted = threading.Event(), [0]
            # One pipe for both would break long lines of alerts in two where something is logged between.
            readers = [
                threading.Thread(target=self._follow, args=(stream, ready, counted), daemon=True)
                for stream in (process.stdout, process.stderr)
            ]
            for reader in readers:
                reader.start()
            try:
                if not ready.wait(TIMEOUT):
                    raise SystemExit(f"{self.name} did not say {self._ready!r} within {TIMEOUT:.0f} s")
                time.sleep(0.3)  # what it still does to begin is no part of the workload's cost
                before = _cpu(process.pid)
                yield
                time.sleep(0.3)  # what still lies in the ring belongs to the workload
                if process.poll() is not None:
                    raise SystemExit(f"{self.name} ended with {process.returncode} while the workload ran")
                usage.cpu, usage.rss = _cpu(process.pid) - before, _rss(process.pid)
            finally:
                end(process)
                for reader in readers:
                    reader.join(TIMEOUT)  # the last of what it wrote
            usage.lost, usage.alerts = self.lost(stats), counted[0]

    def _follow(self, stream: IO[str], ready: threading.Event, counted: list[int]) -> None:
        with stream:
            self._read(stream, ready, counted)

    def _read(self, stream: Iterable[str], ready: threading.Event, counted: list[int]) -> None:
        for line in stream:
            counted[0] += ready.is_set()
            if re.search(self._ready, line):
                ready.set()


class Mozu(Monitor):
    """mozu with its default configuration, and with other rules, a level of its own ones, or the 32-bit watch switched
    where they are given."""

    def __init__(self, rules: Sequence[Path], compat32: str | None = None, level: str | None = None) -> None:
        switch, chosen = f"32-bit watch {compat32}" if compat32 else "", f"level {level}" if level else ""
        parts = ["mozu", _named(rules), chosen, switch]
        super().__init__(", ".join(part for part in parts if part), [], r"watching \d+ event types")
        self._options = [argument for path in rules for argument in ("-r", str(path))]
        if level:
            self._options += ["-o", f"evaluators.falco.level={level}"]
        if compat32:
            self._options += ["-o", f"sources=[ebpf: {{compat32: {compat32}}}]"]

    def command(self, stats: Path) -> list[str]:
        """Run from the checkout."""
        return [sys.executable, "-m", "mozu", "run", "--json", "--stats", str(stats), *self._options]

    def lost(self, stats: Path) -> int:
        """Return the number of lost events in the final statistics."""
        sources = json.loads(stats.read_text())["sources"].values()
        return sum(count["lost"] + (count["missed"] or 0) for source in sources for count in source["types"].values())


def _named(rules: Sequence[Path]) -> str:
    return rules[0].name if len(rules) == 1 else f"{len(rules)} rule files" if rules else ""
