"""A start with descriptors 0, 1 or 2 closed: they become /dev/null, and no file or socket of mozu gets their numbers.
"""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.requirements import ROOT

COMBINATIONS = ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2))
RUN = (
    *("run", "-o", "sources=[falco_http]", "-o", "sources.falco_http.listen=127.0.0.1:0"),
    *("-o", "sources.falco_http.token=none", "-o", "evaluators=[]", "-o", "enrichers=[]"),
)


def start(closed: tuple[int, ...], *arguments: str) -> "subprocess.Popen[bytes]":
    def close() -> None:
        for fd in closed:
            os.close(fd)

    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        preexec_fn=close,
    )


def descriptors(pid: int) -> dict[int, str]:
    return {int(link.name): os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.mark.parametrize("closed", COMBINATIONS, ids=str)
def test_a_run_opens_those_that_are_closed_and_ends_cleanly(closed: tuple[int, ...]) -> None:
    found: dict[int, str] = {}
    with start(closed, "-m", "mozu", *RUN, "--duration", "1") as process:
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError, PermissionError):  # the process has just ended
                found = descriptors(process.pid) or found
            time.sleep(0.02)
        _, errors = process.communicate(timeout=60)
    expected = [found.get(2) if fd == 1 else os.devnull for fd in closed]  # descriptor 1 is stderr during a run
    assert (process.returncode, [found.get(fd) for fd in closed]) == (0, expected), errors


@pytest.mark.parametrize("closed", COMBINATIONS, ids=str)
def test_commands_print_into_nothing_and_answer_with_their_exit_code(closed: tuple[int, ...]) -> None:
    with start(closed, "-m", "mozu", "config", "show", "-o", "sinks=[nothing]") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Traceback" not in errors
    assert b"internal fault" not in errors


def test_open_descriptors_and_streams_are_left_alone() -> None:
    code = (
        "import os, sys\nbefore = [os.fstat(fd) for fd in range(3)], sys.stdin, sys.stdout, sys.stderr\n"
        "import mozu.core.cli\n"
        "assert before == ([os.fstat(fd) for fd in range(3)], sys.stdin, sys.stdout, sys.stderr)"
    )
    with start((), "-c", code) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
