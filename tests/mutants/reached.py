"""Lines that tests reach: recorded once, so that a mutation meets the tests that execute it and no others."""

import ast
import json
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

_LONGEST: Final = 20.0
"""Seconds that the chosen tests of a line may take together; the quick ones come first."""


class Reached(msgspec.Struct):
    """The lines that the tests of some folders execute."""

    seconds: dict[str, float] = {}
    """Test → seconds of processor time, of tests that pass; processor time, so that a busy machine does not change the
    choice of tests."""
    folders: list[str] = []
    """Folders of the tests."""
    lines: dict[str, dict[int, list[str]]] = {}
    """File → line → tests."""

    def add(self, other: "Reached") -> None:
        """Add the tests of further folders."""
        self.seconds |= other.seconds
        self.folders += other.folders
        for file, lines in other.lines.items():
            mine = self.lines.setdefault(file, {})
            for line, tests in lines.items():
                mine[line] = [*mine.get(line, ()), *tests]

    def tests(self, file: str, source: str, line: int, nearest: Iterable[str]) -> list[str]:
        """Return the tests that reach the statement of a line; first those in the files `nearest`, then the quick ones.

        For a line that imports execute: the tests that reach any other line of the file, or all tests if there are
        none.
        """
        lines = self.lines.get(file, {})
        if self.at_import(file, source, line):
            own = {test for tests in lines.values() for test in tests if test} or set(self.seconds)
        else:
            own = {test for number in _statement(source, line) for test in lines.get(number, ())}
        order = sorted(
            own & self.seconds.keys(),
            key=lambda test: (test.partition("::")[0] not in nearest, self.seconds[test], test),
        )
        chosen: list[str] = []
        whole = 0.0
        for test in order:
            whole += self.seconds[test]
            if whole > _LONGEST and chosen:
                break
            chosen.append(test)
        return chosen

    def at_import(self, file: str, source: str, line: int) -> bool:
        """Return True if the statement of a line is executed while modules are imported or tests are collected."""
        lines = self.lines.get(file, {})
        return any("" in lines.get(number, ()) for number in _statement(source, line))


def _statement(source: str, line: int) -> range:
    """Return the lines of the innermost statement that contains this line; of a compound statement those before its
    body."""
    best = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        parts = [getattr(node, "pattern", node), *getattr(node, "body", ())]  # a case has no line number
        first, last = parts[0].lineno, getattr(parts[-1], "end_lineno", line)
        if len(parts) > 1:
            last = max(first, parts[1].lineno - 1)
        if first <= line <= last and (len(best) == 1 or last - first < len(best)):
            best = range(first, last + 1)
    return best


class Recorder:
    """A plugin of pytest that writes the lines of `files` that every test executes, as JSON, when the session ends."""

    def __init__(self, root: Path, target: Path, files: Iterable[str]) -> None:
        from coverage import Coverage

        self._root, self._target = root, target
        self._coverage = Coverage(
            data_file=None, config_file=False, include=[str(root / file) for file in files], messages=False
        )
        self._passed: dict[str, bool] = {}
        self._seconds: dict[str, float] = {}
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record a test from the first fixture to the last."""
        self._coverage.switch_context(item.nodeid)
        begun = time.process_time()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.process_time() - begun
            self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Record if a test passes; tests that fail or are skipped without a mutation are of no use."""
        self._passed[report.nodeid] = self._passed.get(report.nodeid, True) and report.passed

    def pytest_sessionfinish(self) -> None:
        """Write the record."""
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {
            str(Path(file).relative_to(self._root)): data.contexts_by_lineno(file) for file in data.measured_files()
        }
        seconds = {test: took for test, took in self._seconds.items() if self._passed.get(test)}
        self._target.write_text(json.dumps({"seconds": seconds, "lines": lines}))
