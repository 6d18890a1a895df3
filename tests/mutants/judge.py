"""Runs of tests on a copy of the tree in which one line is changed."""

import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.mutants.reached import Reached, Recorder
from tests.mutants.session import FAILED, PASSED, Session, status_of

_COPIED: Final = ("core", "plugins", "bpf", "src", "tests", "docs", "benchmarks", "schemas", "tools")
_FILES: Final = ("pyproject.toml", "Makefile", "setup.py", "README.md")
_OPTIONS: Final = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header")
_UNIT: Final = ("-m", "not live")
_NO_TESTS: Final = 5
"""Exit status of pytest if no test was chosen."""
_RECORDING: Final = 3600.0
"""Seconds that tests may take while their lines are recorded."""


class Judge:
    """A copy of the tree below `place`. Tests run in children of this process, which has imported their libraries; the
    tests of a session also find mozu and the tests imported."""

    def __init__(self, root: Path, place: Path) -> None:
        self.place = place
        for name in _COPIED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / name, place / name, symlinks=True, ignore=ignored)
        for name in _FILES:
            shutil.copy(root / name, place / name)

    def passes(self, tests: Sequence[str], seconds: float, *, live: bool = False) -> bool:
        """Return True if all of the tests pass on the tree as it is now; without `live`, only unit tests run."""
        return self._run(["-x", *(() if live else _UNIT), *tests], seconds) == PASSED

    def session(self, folders: Sequence[str], *, live: bool = False) -> Session:
        """Return a session with the tests of these folders, collected once; without `live`, only unit tests."""
        chosen = [f"--basetemp={self.place / 't'}", *(() if live else _UNIT), *folders]
        return Session(lambda plugin: self._test(chosen, plugin))

    def recorded(self, folder: str, files: Sequence[str]) -> Reached:
        """Return which lines of these files are reached by those tests of a folder that pass."""
        target = self.place / "reached.json"
        target.write_text("{}")
        self._run([*_UNIT, folder], _RECORDING, lambda: Recorder(self.place, target, files))
        found = msgspec.json.decode(target.read_bytes(), type=Reached)
        found.folders.append(folder)
        return found

    def _run(self, arguments: Sequence[str], seconds: float, recorder: Callable[[], Recorder] | None = None) -> int:
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            self._test(arguments, None if recorder is None else recorder())
        return status_of(pid, seconds)

    def _test(self, arguments: Sequence[str], plugin: object | None) -> None:
        """Run pytest in the child; never returns."""
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
            status = int(pytest.main([*_OPTIONS, *arguments], plugins=[] if plugin is None else [plugin]))
            sys.stdout.flush()
            os._exit(status if status != _NO_TESTS else 0)
        except BaseException:  # noqa: BLE001  whatever it is, the child must end here
            traceback.print_exc()
        finally:
            os._exit(FAILED)
