"""The check of an exception's tests before anything is written: `mozu test` runs them on copies of the files."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mozu.core.cli.local_rules import LocalRules
from mozu.core.cli.tune.writing import test_file
from mozu.core.language.rules import list_files
from mozu.core.model.fields import FieldRegistry
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import OutcomeKind
from mozu.core.rule_tests.suite import Plan, Suite


def obstacles(
    local: LocalRules, items: str, tests: str, name: str, fields: FieldRegistry, live: LiveRun
) -> Iterator[str]:
    """Yield why the tests named after an exception do not pass, if its items end the local file. `tests` is the whole
    test file, `fields` are those of the evaluator."""
    with TemporaryDirectory(prefix="mozu-tune-") as folder:
        rules, file = Path(folder) / local.file.name, Path(folder) / "tuned_test.yaml"
        rules.write_text(local.text_with(items), errors="surrogateescape")
        file.write_text(tests, errors="surrogateescape")
        _link_lists(local.file, Path(folder))
        loaded = [rules if path == local.file else path for path in local.paths]
        for outcome in Suite(fields, live, Plan(tuple(map(str, loaded)), pattern=name)).run([file]):
            if outcome.kind is not OutcomeKind.PASSED:
                yield from (one.replace(str(file), str(test_file(local.file))) for one in outcome.messages)


def _link_lists(rules: Path, folder: Path) -> None:
    """Link the files below the directory of a rules file that its lists come from, below another directory."""
    for path in list_files([rules] if rules.exists() else []):
        if path.is_relative_to(rules.parent):
            link = folder / path.relative_to(rules.parent)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
