"""Test files → outcomes and coverage."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.errors import MozuError, Problem, RulesError
from mozu.core.language.rules.rule_test_names import SUFFIXES
from mozu.core.model.fields import FieldRegistry
from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.document import GivenValue, RuleTest, RuleTestFile
from mozu.core.rule_tests.expectation import failures, named_rules, scene_failures, source_of, unknown_rules
from mozu.core.rule_tests.given.fields import given_fields
from mozu.core.rule_tests.given.make import ImpossibleEvent, make_event
from mozu.core.rule_tests.judged import JudgedRules
from mozu.core.rule_tests.live_run import LiveRun, Skipped
from mozu.core.rule_tests.outcome import OutcomeKind, TestOutcome
from mozu.core.rule_tests.reader import read_tests

_BEGIN: Final = 1_700_000_000 * 10**9
"""Time at which scenes begin."""
_PATTERNS: Final = tuple(f"*{suffix}" for suffix in SUFFIXES)


class Plan(msgspec.Struct, frozen=True):
    """The options of a run of tests."""

    rules: tuple[str, ...] = ()
    """Rule files and directories that replace those named by test files."""
    under: str = "ptrace"
    """Source for acts that name none."""
    pattern: str = ""
    """Only tests whose name contains this text are run, or whose name it matches if it contains `*`."""


def find(paths: Iterable[Path]) -> list[Path]:
    """Return the test files: the given ones, and those below directories that have the name of a test file. Raises
    MozuError."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = (file for pattern in _PATTERNS for file in path.rglob(pattern))
            found.update(dict.fromkeys(sorted(file for file in below if file.is_file())))
        elif path.exists():
            found[path] = None
        else:
            raise MozuError(f"{path}: there is no such file or directory of tests")
    return list(found)


class Suite:
    """The runner of test files. Rules of several files are loaded once."""

    def __init__(self, fields: FieldRegistry, live: LiveRun, plan: Plan) -> None:
        self._fields, self._live, self._plan = fields, live, plan
        self._given = given_fields(fields)
        self._rules: dict[tuple[str, ...], JudgedRules | RulesError] = {}
        self._covered: set[tuple[str, ...]] = set()
        self.coverage = Coverage()
        self.files: set[Path] = set()
        """Every file that was read."""

    def run(self, paths: Iterable[Path]) -> Iterator[TestOutcome]:
        """Run all tests of these files, one by one."""
        for path in paths:
            yield from self.run_file(read_tests(path))

    def run_file(self, file: RuleTestFile) -> Iterator[TestOutcome]:
        """Run all tests of one file; the file's mistakes come first."""
        self.files.add(Path(file.name))
        if file.problems:
            yield TestOutcome(file.name, "", OutcomeKind.ERROR, file.problems)
        tests = [test for test in file.tests if self._is_wanted(test)]
        if not tests:
            return
        try:
            judged = self.judged(file)
        except RulesError as error:
            yield TestOutcome(file.name, "", OutcomeKind.ERROR, (_unusable(file, error),))
            return
        for test in tests:
            yield self._run_test(file, test, judged)

    def run_one(self, file: RuleTestFile, test: RuleTest) -> TestOutcome:
        """Run one test of a file."""
        try:
            return self._run_test(file, test, self.judged(file))
        except RulesError as error:
            return TestOutcome(file.name, test.name, OutcomeKind.ERROR, (_unusable(file, error),))

    def judged(self, file: RuleTestFile) -> JudgedRules:
        """Return the rules that a file names. Raises RulesError."""
        paths = self._plan.rules or file.rules
        if paths not in self._rules:
            try:
                self._rules[paths] = JudgedRules(paths, self._given)
            except RulesError as error:
                self._rules[paths] = error
        found = self._rules[paths]
        if isinstance(found, RulesError):
            raise found
        if paths not in self._covered:
            self._covered.add(paths)
            self.files.update(map(Path, found.files))
            self.coverage.add(found, found.rules.values())
        return found

    def _run_test(self, file: RuleTestFile, test: RuleTest, judged: JudgedRules) -> TestOutcome:
        """Run one test with the loaded rules."""
        began = time.perf_counter()
        mistakes = tuple(unknown_rules(file, test, judged))
        if mistakes:
            kind, messages = OutcomeKind.ERROR, mistakes
        else:
            run: Callable[[RuleTestFile, RuleTest, JudgedRules], tuple[Problem, ...]]
            run = self._scene if test.is_scene else self._events if test.events else self._observed
            try:
                messages = run(file, test, judged)
                kind = OutcomeKind.FAILED if messages else OutcomeKind.PASSED
            except ImpossibleEvent as impossible:
                messages = tuple(file.problem(offset, text) for offset, text in impossible.reasons)
                kind = OutcomeKind.ERROR
            except Skipped as skipped:
                kind, messages = OutcomeKind.SKIPPED, (file.problem(test.offset, str(skipped)),)
            except MozuError as error:
                kind, messages = OutcomeKind.ERROR, (file.problem(test.offset, str(error)),)
        if kind is OutcomeKind.PASSED:
            for one in test.expected.match:
                self.coverage.matched(judged.rules[one.name])
        return TestOutcome(file.name, test.name, kind, messages, time.perf_counter() - began)

    def _events(self, file: RuleTestFile, test: RuleTest, judged: JudgedRules) -> tuple[Problem, ...]:
        source, rules = source_of(test, judged), named_rules(test, judged)
        found: list[Problem] = []
        for given in test.events:
            event = make_event(self._fields, source, test.given, given.fields, given.offset)
            for rule in rules:
                self.coverage.see(judged, rule, event)
            for failure in failures(test, judged, judged.alerts([event])):
                reason = "" if failure.rule is None else f"\n{judged.reason(failure.rule, event)}"
                place = failure.offset if failure.rule is None else given.offset
                found.append(file.problem(place, f"{failure.text}{reason}"))
        return tuple(found)

    def _scene(self, file: RuleTestFile, test: RuleTest, judged: JudgedRules) -> tuple[Problem, ...]:
        """Judge events that belong together; each has its time and its number."""
        source, rules = source_of(test, judged), named_rules(test, judged)
        events = []
        for number, given in enumerate(test.events, 1):
            fixed = {"evt.rawtime": str(_BEGIN + given.at), "evt.num": str(number)}
            own = {name: GivenValue(value, given.offset) for name, value in fixed.items()}
            event = make_event(self._fields, source, test.given, {**given.fields, **own}, given.offset)
            for rule in rules:
                self.coverage.see(judged, rule, event)
            events.append(event)
        found = scene_failures(test, judged, judged.scene(events))
        return tuple(file.problem(failure.offset, failure.text) for failure in found)

    def _observed(self, file: RuleTestFile, test: RuleTest, judged: JudgedRules) -> tuple[Problem, ...]:
        """Run an act or a recording; the engine has the rules of the same files."""
        paths: Sequence[str] = self._plan.rules or file.rules
        observed = self._live.run(test, paths, self._plan.under, self.coverage)
        found = []
        for failure in failures(test, judged, observed.alerts):
            reason = "" if failure.rule is None else observed.nearest.get(failure.rule.name, "")
            found.append(file.problem(failure.offset, "\n".join(filter(None, (failure.text, reason)))))
        return tuple(found)

    def _is_wanted(self, test: RuleTest) -> bool:
        pattern = self._plan.pattern
        return fnmatchcase(test.name, pattern) if "*" in pattern else pattern in test.name


def _unusable(file: RuleTestFile, error: RulesError) -> Problem:
    return file.problem(0, f"the rules that it tests cannot be used: {error}")
