"""Signals in the first seconds of a process: they take effect once mozu runs, or end it in order."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from mozu.core.respond.responses import OFF_FILE
from mozu.core.runtime.early_signals import KEPT, EarlySignals
from tests.core.runtime.engine.playing import Memory, Numbers, Play
from tests.support.requirements import ROOT

PATIENCE = 60.0
MOMENTS = ("click", "mozu.core.runtime.engine", "mozu.plugins.sinks.file.sink")
"""Modules at whose import signals are sent: of the command line, of the engine, and of a component that is built."""
STARTED_WITH = """
import os, sys

class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["MOMENT"]:
            sys.meta_path.remove(self)
            for number in os.environ["SIGNALS"].split():
                os.kill(os.getpid(), int(number))

sys.meta_path.insert(0, Sender())
from mozu.core.cli import main
main()
"""


def started(folder: Path, moment: str, *signals: int) -> "subprocess.Popen[str]":
    """Return a `mozu run` that gets signals when it imports a module."""
    config = {
        "state_dir": str(folder / "state"),
        "sources": [{"falco_http": {"listen": "127.0.0.1:0", "token": "none"}}],
        "enrichers": [],
        "evaluators": [],
        "sinks": [{"file": {"path": str(folder / "alerts")}}],
    }
    (folder / "mozu.yaml").write_text(json.dumps(config))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "MOMENT": moment}
    environment["SIGNALS"] = " ".join(str(int(one)) for one in signals)
    command = [sys.executable, "-c", STARTED_WITH, "run", "-c", str(folder / "mozu.yaml")]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("moment", MOMENTS)
def test_signals_that_come_during_the_start_have_their_effect_once_mozu_runs(tmp_path: Path, moment: str) -> None:
    process, log = started(tmp_path, moment, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2), ""
    assert process.stderr is not None
    with process, process.stderr as stream:
        for line in stream:
            log += line
            if "reloaded" in line:
                process.send_signal(signal.SIGTERM)
    assert (0, True) == (process.wait(PATIENCE), "reloaded: nothing has changed" in log), log
    assert log.index("watching") < log.index("reloaded")
    assert (tmp_path / "state" / OFF_FILE).exists()


@pytest.mark.parametrize(
    ("moment", "number", "code"),
    [("click", signal.SIGINT, 130), *((moment, signal.SIGTERM, 0) for moment in MOMENTS)],
)
def test_a_stop_that_comes_during_the_start_ends_it_in_order(
    tmp_path: Path, moment: str, number: int, code: int
) -> None:
    process = started(tmp_path, moment, number)
    _, log = process.communicate(timeout=PATIENCE)
    assert (code, False) == (process.returncode, "Traceback" in log), log


def test_signals_that_come_while_components_start_wait_for_the_run(tmp_path: Path) -> None:
    class Filed(Memory):
        started, reopened = False, 0

        def start(self) -> None:
            os.kill(os.getpid(), signal.SIGUSR1)
            for _ in range(1000):  # a signal handler runs during this loop
                assert 0 == self.reopened
            self.started = True

        def reopen(self) -> None:
            assert self.started
            self.reopened += 1

    async def reopened() -> None:
        while not filed.reopened:
            await asyncio.sleep(0)

    filed = Filed()
    Play(Numbers(1, then=reopened), filed).run(tmp_path)
    assert 1 == filed.reopened


@pytest.mark.parametrize("arguments", [["check"], ["top", "run"], [], ["--help", "run"]], ids=str)
def test_a_command_that_does_not_run_the_engine_ends_by_signals_as_programs_do(arguments: list[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)]
    EarlySignals().hold(arguments)
    assert before == [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)]


def test_a_signal_that_comes_before_or_after_a_run_is_kept_and_comes_once() -> None:
    given: list[int] = []
    signals = EarlySignals()

    async def main() -> None:
        signals.give(asyncio.get_running_loop(), {number: partial(given.append, number) for number in KEPT})
        assert [] == given
        await asyncio.sleep(0)
        assert [signal.SIGUSR2, signal.SIGHUP] == given
        os.kill(os.getpid(), signal.SIGUSR1)
        while given[2:] != [signal.SIGUSR1]:
            await asyncio.sleep(0)

    with signals.kept():
        for number in (signal.SIGUSR2, signal.SIGHUP, signal.SIGUSR2):
            os.kill(os.getpid(), number)
        asyncio.run(main())
