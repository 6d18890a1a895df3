"""A tracer that breaks: the command ends with it, is not run again, and mozu reports the failure."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live  # traces processes

BROKEN = """
import sys
from mozu.core.cli import main
from mozu.plugins.sources.ptrace.reading.opens import OpenReader

def leave(self, task, result):
    raise TypeError("broken on purpose")

OpenReader.leave = leave
sys.argv = ["mozu", "trace", "--", "sh", "-c", "echo run >> runs; cat runs; sleep 600"]
main()
"""


def test_a_tracer_that_breaks_ends_the_command_and_mozu_fails(tmp_path: Path) -> None:
    line = [sys.executable, "-c", BROKEN]

    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)

    runs = tmp_path / "runs"
    assert (125, True) == (done.returncode, "broken on purpose" in done.stderr), done.stderr
    assert not runs.exists() or runs.read_text() == "run\n"
