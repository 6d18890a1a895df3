"""`mozu rules attack`: the ATT&CK techniques of rules, of their tests, or of alerts, for the ATT&CK Navigator."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import click
import orjson

from mozu.core.cli import options
from mozu.core.cli.attack_layer import AttackLayer
from mozu.core.cli.known import known_fields
from mozu.core.cli.rules_in_force import RulesInForce, rules_in_force
from mozu.core.cli.terminal import safe
from mozu.core.errors import MozuError
from mozu.core.language.rules.rule_test_names import is_rule_tests
from mozu.core.model.alert.attack import Version
from mozu.core.model.value_types import Json
from mozu.core.rule_tests.document import RuleTestFile
from mozu.core.rule_tests.reader import read_tests
from mozu.core.runtime.configure import configure


@click.command(
    "attack",
    epilog="""\b
Examples:
  mozu rules attack > rules.layer.json               open it in the ATT&CK Navigator
  mozu rules attack -r my_rules.yaml --tests         what has a test that expects an alert
  mozu rules attack --alerts alerts.jsonl            what was seen""",
)
@click.option("--tests", is_flag=True, help="Count the tests beside the rule files that expect an alert of the rule.")
@click.option(
    "--alerts", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Count the alerts of this file in the format json, one a line; `-` is the standard input.",
)  # fmt: skip
@click.option(
    "--attack-version", "version", type=click.Choice(("18", "19")), default="19", show_default=True,
    help="The version of ATT&CK that the Navigator shows.",
)  # fmt: skip
@options.configuration
@options.rules
@options.verbose
def command(
    tests: bool,
    alerts: Path | None,
    version: str,
    path: Path | None,
    overrides: tuple[str, ...],
    rules: tuple[str, ...],
    verbose: bool,
) -> int:
    """Print a layer of the ATT&CK Navigator: the techniques in the tags of the rules that run, with the number of rules
    as the score."""
    if tests and alerts is not None:
        raise click.UsageError("--tests and --alerts make different layers; give one of them")
    config, registry = configure(path, overrides, rules=rules)
    forces = list(rules_in_force(config, registry, known_fields(registry)))
    layer = AttackLayer(cast("Version", version))
    if alerts is not None:
        number = _add_alerts(layer, alerts, forces)
        name, text = "mozu: alerts", f"{number} alerts. The score is the number of alerts."
    elif tests:
        number = _add_tests(layer, forces)
        name, text = "mozu: tests", f"{number} alerts that tests of rules expect. The score is the number of tests."
    else:
        number = _add_rules(layer, forces)
        name, text = "mozu: rules", f"{number} rules that run. The score is the number of rules."
    document = layer.document(name, text, counted=tests or alerts is not None)
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    if layer.elsewhere:
        other = "18" if version == "19" else "19"
        left = f"ATT&CK {version} does not have {', '.join(layer.elsewhere)}"
        click.echo(f"mozu: {left}; `--attack-version {other}` makes a layer with them", err=True)
    return 0


def _add_rules(layer: AttackLayer, forces: Iterable[RulesInForce]) -> int:
    running = [(rule, force) for force in forces for rule in force.running]
    for rule, force in running:
        layer.add(f"{rule.name} (shadow)" if rule.name in force.shadow else rule.name, rule.tags)
    return len(running)


def _add_tests(layer: AttackLayer, forces: Iterable[RulesInForce]) -> int:
    """Count, for each rule that runs, the tests beside the rule files that expect an alert of the rule."""
    total = 0
    for force in forces:
        loaded = [Path(file.name).resolve() for file in force.loaded.report.files]
        expected: Counter[str] = Counter()
        for file in _test_files({path.parent for path in loaded}):
            for problem in file.problems:
                click.echo(f"mozu: {safe(problem)}; the test does not count", err=True)
            subjects = [Path(path).resolve() for path in file.rules]
            if any(path.is_relative_to(subject) for path in loaded for subject in subjects):
                expected.update(name for test in file.tests for name in {one.name for one in test.expected.match})
        for rule in force.running:
            if expected[rule.name]:
                layer.add(rule.name, rule.tags, expected[rule.name])
                total += expected[rule.name]
    return total


def _test_files(folders: Iterable[Path]) -> Iterator[RuleTestFile]:
    """Yield the test files in these directories. Raises MozuError for a directory that cannot be listed."""
    for folder in sorted(folders):
        try:
            found = sorted(folder.iterdir())
        except OSError as error:
            raise MozuError(f"tests cannot be searched for in {folder}: {error.strerror}") from error
        yield from (read_tests(file) for file in found if is_rule_tests(file))


def _add_alerts(layer: AttackLayer, path: Path, forces: Iterable[RulesInForce]) -> int:
    """Count alerts by the tags that they carry; by those of their rule if they carry none."""
    by_rule = {rule.name: rule.tags for force in forces for rule in force.loaded.rules.rules}
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    other = 0
    with _opened(path) as file:
        for line in filter(bytes.strip, file):
            found = _rule_and_tags(line)
            if found is None:
                other += 1
            else:
                rule, tags = found
                counts[rule, tags or by_rule.get(rule, ())] += 1
    if other:
        click.echo(f"mozu: {other} lines are no alerts of rules in the format json, and do not count", err=True)
    untold = sum(number for (rule, tags), number in counts.items() if not layer.add(rule, tags, number))
    if untold:
        click.echo(f"mozu: {untold} alerts have no tag with a technique, and are not in the layer", err=True)
    return counts.total()


def _opened(path: Path) -> BinaryIO:
    try:
        return sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise MozuError(f"{path} cannot be read: {error.strerror}") from error


def _rule_and_tags(line: bytes) -> tuple[str, tuple[str, ...]] | None:
    """Return the rule of an alert and its tags; None for any other line, and for notices of mozu about itself."""
    try:
        document: Json = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if isinstance(document, dict) and isinstance(document.get("alert"), dict):  # a line of `mozu spool peek`
        document = document["alert"]
    if not isinstance(document, dict) or document.get("source") == "internal":
        return None
    rule, tags = document.get("rule"), document.get("tags")
    if not isinstance(rule, str):
        return None
    return rule, tuple(_texts(tags) if isinstance(tags, list) else ())


def _texts(items: Iterable[Json]) -> Iterator[str]:
    return (item for item in items if isinstance(item, str))
