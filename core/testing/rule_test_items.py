"""Test files of rules as items of pytest: each test is one, named as in its file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.rule_tests.document import RuleTest, RuleTestFile
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import OutcomeKind, TestOutcome
from mozu.core.rule_tests.plugins import builtin_plugins_and, fields_of
from mozu.core.rule_tests.reader import read_tests
from mozu.core.rule_tests.report import coverage_summary
from mozu.core.rule_tests.suite import Plan, Suite

PLUGINS = "mozu_plugins"
"""The ini option that names plugins whose fields rules read."""
_SUITE = pytest.StashKey[Suite]()


class RuleTestsFailed(Exception):
    """A difference from a test's expectation; only its text is shown."""


class RuleTestCollector(pytest.File):
    """A file of tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the file's tests, and one that fails if there are mistakes in it."""
        file = read_tests(_shown(self.path, self.config.invocation_params.dir))
        if file.problems:
            yield MistakesItem.from_parent(self, name="(the file)", file=file)
        for test in file.tests:
            yield RuleTestItem.from_parent(self, name=test.name, file=file, test=test)


class MistakesItem(pytest.Item):
    """The mistakes in a file."""

    def __init__(self, *, file: RuleTestFile, name: str, parent: pytest.File) -> None:
        super().__init__(name, parent)
        self._file = file

    def runtest(self) -> None:
        """Fail."""
        raise RuleTestsFailed("\n".join(self._file.problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The mistakes, without a traceback."""
        return str(excinfo.value)


class RuleTestItem(pytest.Item):
    """A test of rules."""

    def __init__(self, *, file: RuleTestFile, test: RuleTest, name: str, parent: pytest.File) -> None:
        super().__init__(name, parent)
        self._file, self._test = file, test

    def runtest(self) -> None:
        """Run it."""
        outcome = suite_of(self.config).run_one(self._file, self._test)
        if outcome.kind is OutcomeKind.SKIPPED:
            pytest.skip("; ".join(outcome.messages))
        if outcome.kind is not OutcomeKind.PASSED:
            raise RuleTestsFailed(_text(outcome))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the differences from the expectations, without a traceback."""
        own = isinstance(excinfo.value, RuleTestsFailed)
        return str(excinfo.value if own else super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the test's place in its file."""
        return self.path, self._file.line(self._test.offset) - 1, self.name


def suite_of(config: pytest.Config) -> Suite:
    """The one of a session: rules are loaded once."""
    if _SUITE not in config.stash:
        names = config.getini(PLUGINS)
        fields = fields_of(builtin_plugins_and(names))
        config.stash[_SUITE] = Suite(fields, LiveRun(lambda: builtin_plugins_and(names)), Plan())
    return config.stash[_SUITE]


def summary_of(config: pytest.Config) -> str:
    """Return the coverage; empty if no test of rules ran in this process."""
    suite = config.stash.get(_SUITE, None)
    return "" if suite is None else coverage_summary(suite.coverage)


def _shown(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _text(outcome: TestOutcome) -> str:
    return "\n".join(outcome.messages)
