"""The proof of rules before they come into force: the check of a load, then the tests that the artifact brings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from mozu.core.cli.rules_in_force import RuleSettings
from mozu.core.errors import MozuError
from mozu.core.language.rules import LoadResult, Options, load
from mozu.core.model.fields import FieldRegistry
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import OutcomeKind
from mozu.core.rule_tests.reader import read_tests
from mozu.core.rule_tests.suite import Plan, Suite, find


class ProofResult(msgspec.Struct, frozen=True):
    """The counts of a proof that has succeeded."""

    rules: int
    passed: int
    """Tests that passed."""
    left_out: int
    """Tests that were not run: acts, and what this machine cannot run."""


class Prover:
    """The check of candidates on this machine. `current` is the path under which the configuration names the rules, and
    `settings` are those of its evaluators, with their fields."""

    def __init__(
        self,
        current: Path,
        settings: Sequence[tuple[RuleSettings, FieldRegistry]],
        fields: FieldRegistry,
        live: LiveRun,
    ) -> None:
        self._current, self._settings, self._fields, self._live = current, settings, fields, live

    def prove(self, folder: Path) -> ProofResult:
        """Prove the files of a directory. Raises MozuError with the first problem and the number of others."""
        rules = 0
        for found in self._loaded(folder):
            problems = [problem.line for file in found.report.files for problem in file.errors]
            _refuse(folder, "the rules do not pass the check", problems)
            if not any(Path(file.name).is_relative_to(folder) for file in found.report.files):
                raise MozuError("it has no rules: rule files are *.yaml, and not in a directory of the layer")
            rules = sum(Path(rule.context.source.name).is_relative_to(folder) for rule in found.rules.rules)
        passed, left_out, problems = 0, 0, list[str]()
        suite = Suite(self._fields, self._live, Plan())
        for path in find([folder]):
            file = read_tests(path)
            wanted = tuple(one for one in file.tests if one.act is None)
            left_out += len(file.tests) - len(wanted)
            for outcome in suite.run_file(msgspec.structs.replace(file, tests=wanted)):
                if outcome.kind in (OutcomeKind.FAILED, OutcomeKind.ERROR):
                    name = f"test {outcome.name!r}: " if outcome.name else ""
                    problems.append(f"{name}{outcome.messages[0] if outcome.messages else outcome.file}")
                passed += outcome.kind is OutcomeKind.PASSED
                left_out += outcome.kind is OutcomeKind.SKIPPED
        _refuse(folder, "its own tests do not pass", problems)
        return ProofResult(rules, passed, left_out)

    def _loaded(self, folder: Path) -> Iterator[LoadResult]:
        """Yield the load of each evaluator that names `current`, with the directory in its place; without any, that of
        the directory alone."""
        is_named = False
        for settings, fields in self._settings:
            paths = [self._in_place(path, folder) for path in settings.rules]
            if paths != list(settings.rules):
                is_named = True
                yield load(paths, fields, Options(additions=[one.addition() for one in settings.append_output]))
        if not is_named:
            yield load([folder], self._fields)

    def _in_place(self, path: Path, folder: Path) -> Path:
        return folder / path.relative_to(self._current) if path.is_relative_to(self._current) else path


def _refuse(folder: Path, what: str, problems: Sequence[str]) -> None:
    """Raise MozuError if there are problems; places are relative to the directory, which no reader can open later."""
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        first = problems[0].split("\n")[0].replace(f"{folder}/", "")
        raise MozuError(f"{what}: {first}{more}")
