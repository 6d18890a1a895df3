"""`mozu run` as a process: SIGHUP and changed files reload the files given on the command line."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.requirements import ROOT

PATIENCE = 60.0


class Run:
    """A process, and its log so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.config, self.rules = folder / "mozu.yaml", folder / "rules.yaml"
        self.write(sinks=[{"file": {"path": str(folder / "one.jsonl")}}])
        self.rule("A")
        command = [sys.executable, "-m", "mozu", "run", "-c", str(self.config), "-r", str(self.rules), *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        self._log: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def write(self, **more: object) -> None:
        tree = {
            "state_dir": str(self.config.parent / "state"),
            "sources": [{"falco_http": {"listen": "127.0.0.1:0", "token": "none"}}],
            "enrichers": [],
            **more,
        }
        self.config.write_text(json.dumps(tree))

    def rule(self, name: str) -> None:
        self.rules.write_text(
            f"- {{rule: {name}, desc: d, condition: evt.type = openat and fd.name = /x, output: o, priority: INFO}}\n"
        )

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                with self._more:
                    self._log.append(line)
                    self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def until(self, text: str) -> str:
        """Return the first line from here on that contains this text."""
        with self._more:
            found = self._more.wait_for(lambda: [line for line in self._log if text in line], PATIENCE)
            assert found, "".join(self._log)
            del self._log[: self._log.index(found[0]) + 1]
        return found[0]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Run]:
    run = Run(folder, *arguments)
    try:
        run.until("watching")
        yield run
    finally:
        run.stop()
    assert run.process.returncode == 0


def test_sighup_reads_everything_again_and_the_command_line_still_holds(tmp_path: Path) -> None:
    with running(tmp_path, "-o", "alert_limiter.burst=7") as run:
        run.write(sinks=[{"file": {"path": str(tmp_path / "two.jsonl")}}], alert_limiter={"burst": 9})
        run.rule("B")
        run.process.send_signal(signal.SIGHUP)
        line = run.until("reloaded: ")
    assert "sink file: path; rules of falco: 'B' added; 'A' removed" in line
    assert "alert_limiter" not in line
    assert "'B' added" in (tmp_path / "two.jsonl").read_text()


def test_a_change_of_a_file_is_enough_where_that_is_configured(tmp_path: Path) -> None:
    with running(tmp_path, "-o", "reload.watch=true") as run:
        run.rule("B")
        assert "'B' added" in run.until("reloaded: ")
        run.rules.write_text("- rule: broken\n")
        run.until("the reload was refused")
        assert f"{run.rules}:1:3" in run.until("LOAD_ERR")
        run.rule("C")
        assert "'C' added" in run.until("reloaded: ")
