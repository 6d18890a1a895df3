"""Runs tests on a copy of the tree in which one line is changed."""

import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.mutants.reached import Reached, Recorder

_COPIED: Final = ("core", "plugins", "bpf", "src", "tests", "docs", "benchmarks", "schemas", "tools")
_FILES: Final = ("pyproject.toml", "Makefile", "setup.py", "README.md")
_OPTIONS: Final = ("-q", "-m", "not live", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header")
_NO_TESTS: Final = 5
"""Status of pytest where none was chosen."""
_POLL: Final = 0.05
"""Seconds between two looks whether the tests have ended."""
_RECORDING: Final = 3600.0
"""Seconds that tests may take whose lines are recorded."""


class Judge:
    """A copy of the tree below `place`. Tests run in children of this process, which has imported their libraries."""

    def __init__(self, root: Path, place: Path) -> None:
        self.place = place
        for name in _COPIED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / name, place / name, symlinks=True, ignore=ignored)
        for name in _FILES:
            shutil.copy(root / name, place / name)

    def passes(self, tests: Sequence[str], seconds: float) -> bool:
        """Whether all of them pass. Tests that have not ended by then have noticed something: an endless loop."""
        return self._run(["-x", *tests], seconds)

    def recorded(self, folder: str, files: Sequence[str]) -> Reached:
        """Which lines of these files the tests of a folder reach, by tests that pass."""
        target = self.place / "reached.json"
        target.write_text("{}")
        self._run([folder], _RECORDING, lambda: Recorder(self.place, target, files))
        return msgspec.json.decode(target.read_bytes(), type=Reached)

    def _run(self, arguments: Sequence[str], seconds: float, recorder: Callable[[], Recorder] | None = None) -> bool:
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            self._test(arguments, recorder)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status == 0
            time.sleep(_POLL)  # a child's end comes without a descriptor to wait for
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return False

    def _test(self, arguments: Sequence[str], recorder: Callable[[], Recorder] | None) -> None:
        """In the child: never returns."""
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            if not os.environ.get("MOZU_MUTANTS_OUTPUT"):
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
            os.chdir(self.place)
            sys.dont_write_bytecode = True
            sys.path[:0] = [str(self.place / "src"), str(self.place)]
            for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "mozu")]:
                del sys.modules[name]
            plugins = [] if recorder is None else [recorder()]
            status = int(pytest.main([*_OPTIONS, *arguments], plugins=plugins))
            sys.stdout.flush()
            os._exit(status if status != _NO_TESTS else 0)
        except BaseException:  # noqa: BLE001  whatever it is, the child must end here
            traceback.print_exc()
        finally:
            os._exit(1)
