"""docs/path-of-an-event.md compared with a run: the functions that ran for one open that a rule matches, in order."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.test_path_of_an_event import STEPS
from tests.support.requirements import ROOT, ebpf

pytestmark = pytest.mark.ebpf
PATIENCE = 60.0
BEGIN, WRITE = signal.SIGRTMIN + 1, signal.SIGRTMIN + 2
RULES = """
- rule: The file of this test is opened
  desc: It is opened by the test.
  condition: evt.type = openat and fd.name = {place}
  output: "%fd.name"
  priority: NOTICE
"""
CONFIG = """
sources: [{{syscalls: {{fallback: none}}}}]
enrichers: []
evaluators: [{{falco: {{rules: ["{folder}/rules.yaml"]}}}}]
sinks: [{{file: {{path: "{folder}/alerts", format: json}}}}]
state_dir: "{folder}/state"
"""
Call = tuple[str, str]
BEGINS: Call = ("core/flow/source_pump.py", "SourcePump.run")
POLLED: Call = ("plugins/sources/ebpf/source.py", "EbpfSource._poll")
RAISED: Call = ("core/flow/pipeline.py", "SourcePipeline._emit")


def until(test: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@contextmanager
def recorded(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    place = folder / "opened"
    place.touch()
    (folder / "rules.yaml").write_text(RULES.format(place=place))
    (folder / "mozu.yaml").write_text(CONFIG.format(folder=folder))
    recorder = [sys.executable, str(ROOT / "tests/support/call_recorder.py"), str(folder / "calls")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*recorder, "run", "-c", str(folder / "mozu.yaml")], stderr=log,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
    try:
        until(lambda: "watching" in read(folder / "log"), "mozu watches")
        yield process
    finally:
        process.kill()
        process.wait()


def calls_of_one_open(folder: Path) -> Sequence[Call]:
    """Return the calls from the poll that brought the event to its acknowledgement."""
    with recorded(folder) as process:
        until(lambda: "mozu started" in read(folder / "alerts"), "the notice of the start has arrived")
        for count in (1, 2, 3):
            if count == 2:  # the source learns from the first batch which types to leave undecoded
                process.send_signal(BEGIN)
            (folder / "opened").read_bytes()  # the third alert comes after the second was acknowledged
            until(lambda: read(folder / "alerts").count('"The file of this test') >= count, "the alert has arrived")  # noqa: B023
        process.send_signal(WRITE)
        until((folder / "calls").exists, "the calls are written")
    calls = [(path, name) for path, name in json.loads((folder / "calls").read_text())]
    polled = max(at for at in range(calls.index(RAISED)) if calls[at] == POLLED)
    return calls[max(at for at in range(polled) if calls[at] == BEGINS) :]


def first(calls: Sequence[Call], path: str, function: str, since: int) -> int | None:
    """Return the stage in which a function, or one that it made, was first called; None if it was not."""
    return next(
        (at for at, (file, name) in enumerate(calls)
         if at >= since and file == path and (name == function or (name.startswith(f"{function}.<locals>.")
                              and "<" not in name.removeprefix(f"{function}.<locals>.")))),
        None,
    )  # fmt: skip


def test_what_runs_for_an_open_is_what_the_page_says_in_its_order(tmp_path: Path) -> None:
    ebpf()
    calls = calls_of_one_open(tmp_path)

    steps = [(step.path, step.function) for step in STEPS if step.path.startswith(("core/", "plugins/"))]
    waits = steps.index(POLLED)
    kernel = [one for one in steps if "/kernel_filter/" in one[0]]  # these functions make the kernel's part, at a start
    # before these two the pump may end an earlier batch, and the sink's worker an earlier delivery
    turns = [calls.index(POLLED), calls.index(RAISED)]
    since = {one: turns[steps.index(one) >= steps.index(RAISED)] for one in steps if steps.index(one) >= waits}
    found = {one: first(calls, *one, since.get(one, 0)) for one in steps if one not in kernel}

    assert [] == [one for one, at in found.items() if at is None]
    assert list(found) == sorted(found, key=lambda one: found[one] or 0)
    assert len(found) > 35
