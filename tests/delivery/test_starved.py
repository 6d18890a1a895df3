"""A run that gets little of the CPU: the source lives through reloads, a restart is short, and the log reports it once
a minute."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cpu_wait import CpuWait
from tests.support.requirements import ROOT, ebpf
from tests.support.starvation import CONDITIONS, mozu_command, starved

FULL = os.environ.get("MOZU_CHAOS") == "full"
PERCENT, BUSY, RELOADS = (20, 60, 5) if FULL else (40, 8, 1)
PATIENCE = 600.0 if FULL else 120.0
MARKER = "/etc/hostname"
RULES = """
- rule: A marked file is opened
  desc: For the test, number {number}.
  condition: evt.type in (open, openat, openat2) and fd.name = {marker} and proc.pid = {pid}
  output: opened {number}
  priority: WARNING
"""
DEFAULT_RULES = str(ROOT / "plugins/rules/packs")
TICKS = os.sysconf("SC_CLK_TCK")

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(1800 if FULL else 280)]


class Starved:
    """A run, with a thread that opens the marked file all the time."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self.folder, self.process, self._end = folder, process, threading.Event()
        self._thread = threading.Thread(target=self._open, daemon=True)

    def _open(self) -> None:
        while not self._end.wait(0.05):
            os.close(os.open(MARKER, os.O_RDONLY))

    def open_all_the_time(self) -> None:
        """Open the marked file until `end`."""
        self._thread.start()

    def end(self) -> None:
        """End the thread and wait for it."""
        self._end.set()
        self._thread.join()

    @property
    def log(self) -> str:
        """Return the log so far."""
        return (self.folder / "log").read_text(errors="replace")

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts so far, mozu's own notices among them."""
        file = self.folder / "alerts"
        return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]] if file.exists() else []

    def wait(self, test: Callable[[], object], what: str) -> None:
        """Wait until the test passes. Raises AssertionError."""
        deadline = time.monotonic() + PATIENCE
        while not test():
            assert self.process.poll() is None, f"mozu has ended: {self.log[-5000:]}"
            assert time.monotonic() < deadline, f"not seen: {what}\n{self.log[-5000:]}"
            time.sleep(0.05)

    def reload(self, number: int) -> None:
        """Reload with other rules, and wait for their alerts."""
        write_rules(self.folder, number)
        self.process.send_signal(signal.SIGHUP)
        self.wait(lambda: any(f"opened {number}" in one["output"] for one in self.opened()), f"rules {number}")

    def opened(self) -> list[dict[str, Any]]:
        """Return the alerts of the rule."""
        return [one for one in self.alerts() if one["rule"] == "A marked file is opened"]

    def used(self) -> float:
        """Return the seconds of CPU that mozu has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def write_rules(folder: Path, number: int) -> None:
    (folder / "rules.yaml").write_text(RULES.format(number=number, marker=MARKER, pid=os.getpid()))


@contextmanager
def running(folder: Path) -> Iterator[Starved]:
    metadata = folder / "site/mozu_breaking-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-breaking\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[mozu]\nbreaking = tests.support.breaking_source\n")
    write_rules(folder, 0)
    rules = [*([DEFAULT_RULES] if FULL else []), str(folder / "rules.yaml")]
    document = {
        "plugins": ["breaking"],
        "sources": ["breaking"],
        "enrichers": [],
        "evaluators": [{"falco": {"rules": rules}}],
        "state_dir": str(folder / "state"),
        "stop_deadline": 60,
        "sinks": [{"file": {"path": str(folder / "alerts"), "format": "json"}}],
    }
    (folder / "mozu.yaml").write_text(json.dumps(document))
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{folder / 'site'}", "MOZU_BREAK": str(folder / "break")}
    command = mozu_command("run", "-c", str(folder / "mozu.yaml"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=env, start_new_session=True
        )
    made = Starved(folder, process)
    try:
        made.wait(lambda: "watching" in made.log, "the start")
        made.open_all_the_time()
        yield made
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(PATIENCE)
    finally:
        made.end()
        process.kill()
        process.wait(60)



@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_starved_source_lives_through_reloads_and_its_restart_is_short(tmp_path: Path, condition: str) -> None:
    ebpf()
    began = time.monotonic()
    with starved(condition, percent=PERCENT, processes=BUSY), running(tmp_path) as mozu:
        mozu.wait(mozu.opened, "an alert")
        for number in range(1, RELOADS + 1):
            mozu.reload(number)
        assert "starts again" not in mozu.log + json.dumps(mozu.alerts())

        waits, at, used = CpuWait(mozu.process.pid), time.monotonic(), mozu.used()
        (tmp_path / "break").touch()
        mozu.wait(lambda: any(one["rule"] == "Source failed" for one in mozu.alerts()), "the failure")
        mozu.wait(lambda: mozu.log.count("kernel programs: ") > 1, "the restart")
        count = len(mozu.opened())
        mozu.wait(lambda: len(mozu.opened()) > count, "alerts after the restart")
        wall, waited, needed = time.monotonic() - at, waits.now(), mozu.used() - used
    print(f"{condition}: blind for {wall:.1f} s, of which {waited:.1f} s for a CPU; used {needed:.1f} s", flush=True)
    assert wall - waited <= needed + 10.0
    assert 1 == sum(one["rule"] == "Source failed" for one in mozu.alerts())
    assert [] == re.findall(r".*held the event loop.*|.*did not end within.*", mozu.log)
    assert mozu.log.count("waited for a CPU") <= 1 + (time.monotonic() - began) / 60
