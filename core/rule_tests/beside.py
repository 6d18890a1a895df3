"""Tests beside a rule file, for an editor: how many each rule has, and their results."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mozu.core.model.fields import FieldRegistry
from mozu.core.rule_tests.document import RuleTest, RuleTestFile
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import OutcomeKind
from mozu.core.rule_tests.reader import read_tests
from mozu.core.rule_tests.suite import Plan, Suite, find


class TestsBeside:
    """The test files in the directory of a rule file and below, as they are saved; see `RuleTestRunner`."""

    __test__ = False  # not a test class of pytest

    def __init__(self, fields: FieldRegistry, live: LiveRun) -> None:
        self._fields, self._live = fields, live
        self._read: dict[Path, tuple[object, RuleTestFile]] = {}

    def counts(self, file: str) -> Mapping[str, int]:
        """Return rule → number of tests that name it."""
        found: dict[str, int] = {}
        for one in self._files(file):
            for test in one.tests:
                for name in _names(test):
                    found[name] = found.get(name, 0) + 1
        return found

    def run(self, file: str, rule: str) -> Sequence[str]:
        """Run the tests of a rule that give events; return a summary, then a line for each failure."""
        suite, counts, lines, left_out = Suite(self._fields, self._live, Plan()), dict[OutcomeKind, int](), [], 0
        for one in self._files(file):
            for test in one.tests:
                if rule not in _names(test):
                    continue
                if not test.events:
                    left_out += 1
                    continue
                outcome = suite.run_one(one, test)
                counts[outcome.kind] = counts.get(outcome.kind, 0) + 1
                lines += [str(message) for message in outcome.messages]
        parts = [f"{count} {kind.value}" for kind, count in counts.items()]
        if left_out:
            parts.append(f"{left_out} with an act or a recording, which `mozu test` runs")
        return [f"{rule}: {', '.join(parts) or 'no tests'}", *lines]

    def _files(self, file: str) -> Iterator[RuleTestFile]:
        folder = Path(file).parent
        for path in find([folder]) if folder.is_dir() else ():
            status = path.stat()
            state = status.st_mtime_ns, status.st_size, status.st_ino
            known = self._read.get(path)
            if known is None or known[0] != state:
                known = self._read[path] = state, read_tests(path)
            yield known[1]


def _names(test: RuleTest) -> set[str]:
    """Return the rules that a test expects something of."""
    return {one.name for one in (*test.expected.match, *test.expected.quiet)}
