"""A type checker finds a declaration whose `build` does not fit its settings or the contract of its kind."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.requirements import ROOT

PLUGIN = """
from collections.abc import Sequence
from mozu.core.api import Context, Record, Reopens, Settings, SinkDeclaration, SourceDeclaration

class BellSettings(Settings):
    path: str = "/dev/console"

class OtherSettings(Settings):
    path: int = 1

class Bell:
    def __init__(self, settings: BellSettings, context: Context) -> None: ...
    def start(self) -> None: ...
    def deliver(self, records: Sequence[Record]) -> None: ...
    def stop(self) -> None: ...

class Broken:
    def __init__(self, settings: BellSettings, context: Context) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...

class Mistyped(Bell, Reopens):
    def reopen(self, path: str) -> None: ...  # wrong

SinkDeclaration(name="a", build=Bell, settings=BellSettings, summary="")
SinkDeclaration(name="a", build=Bell, settings=OtherSettings, summary="")  # wrong
SinkDeclaration(name="a", build=Broken, settings=BellSettings, summary="")  # wrong
SourceDeclaration(name="a", build=Bell, settings=BellSettings, summary="")  # wrong
SourceDeclaration(name="a", build=Bell, settings=BellSettings, summary="", blocking=True)  # wrong
"""


def test_wrong_declarations_are_type_errors_and_right_ones_are_none(tmp_path: Path) -> None:
    file = tmp_path / "mozu_bell.py"
    file.write_text(PLUGIN)
    command = (sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(file))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = {int(line) for line in re.findall(r"mozu_bell\.py:(\d+): error", done.stdout)}
    wrong = {number for number, line in enumerate(PLUGIN.splitlines(), 1) if line.endswith("# wrong")}
    assert found == wrong, done.stdout + done.stderr
