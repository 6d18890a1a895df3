"""Real runs of the command `mozu run`: in a separate process, with alerts read from its standard output."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.requirements import ROOT
from tests.support.starvation import SLOWER, mozu_command

PATIENCE = 60.0 * SLOWER
"""Seconds within which an expected event must happen."""

LIFECYCLE = frozenset({"mozu started", "mozu reloaded", "mozu stopped", "mozu ended without a word", "Heartbeat"})

Json = dict[str, Any]


class Running:
    """A `mozu run` that has started."""

    def __init__(self, process: "subprocess.Popen[str]", stats: Path) -> None:
        self.process, self._stats = process, stats
        self.alerts: list[Json] = []
        self.lifecycle: list[Json] = []
        """mozu's own notices of its start and its end."""
        self.log: list[str] = []
        self._changed = threading.Condition()
        pairs = ((process.stdout, self._alert), (process.stderr, self._line))
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in pairs]
        for reader in self._readers:
            reader.start()

    def close(self) -> None:
        """Read the remaining output of a process that has ended."""
        for reader in self._readers:
            reader.join(PATIENCE)

    def _read(self, stream: Any, take: Callable[[str], None]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    take(line.rstrip("\n"))
                    self._changed.notify_all()

    def _alert(self, line: str) -> None:
        alert = json.loads(line)
        if alert["rule"] in LIFECYCLE:
            self.lifecycle.append(alert)
        else:
            self.alerts.append(alert)

    def _line(self, line: str) -> None:
        self.log.append(line)

    def wait_log(self, pattern: str) -> str:
        """Wait for a line of the log that matches; return the first."""
        return str(self._wait(lambda: next((line for line in self.log if re.search(pattern, line)), None), pattern))

    def wait_alert(self, test: Callable[[Json], bool], what: str, *, after: int = 0) -> Json:
        """Wait for an alert (from number `after` on) that passes the test; return the first."""
        position = after

        def find() -> Json | None:  # each alert is tested once, since there may be many
            nonlocal position
            while position < len(self.alerts):
                position += 1
                if test(self.alerts[position - 1]):
                    return self.alerts[position - 1]
            return None

        found: Json = self._wait(find, what)
        return found

    def _wait(self, find: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._changed.wait(0.5)):
                    break
                self._changed.wait(min(left, 0.5))
        if found is None:
            tail = "\n".join(self.log[-30:])
            seen = "\n".join(alert.get("output", "") for alert in self.alerts[-20:])
            raise AssertionError(f"not seen: {what}\n--- last alerts\n{seen}\n--- log\n{tail}")
        return found

    def stop(self, number: int = signal.SIGTERM) -> Json:
        """Stop the run cleanly; return its statistics."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 0, "\n".join(self.log[-30:])
        statistics: Json = json.loads(self._stats.read_text())
        return statistics


@contextmanager
def mozu_run(
    folder: Path, *arguments: str, env: dict[str, str] | None = None, through: Sequence[str] = ()
) -> Iterator[Running]:
    """Run `mozu run --json ARGUMENTS` until the block ends; the run is ready when the block begins.

    `through`: a command that executes the command line passed to it as arguments.
    """
    stats = folder / "statistics.json"
    strict = () if "-c" in arguments else ("-o", "sources.syscalls.fallback=none")  # a test that needs eBPF fails then
    process = subprocess.Popen(
        mozu_command("run", "--json", "--stats", str(stats), *strict, *arguments, before=through),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(env or {})},
    )
    running = Running(process, stats)
    try:
        running.wait_log(r"watching \d+ event types")
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        running.close()
