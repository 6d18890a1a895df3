"""docs/rules/tests.md: its example does what the page says, and its tables have every key."""

import re
from pathlib import Path

from mozu.core.rule_tests import reader
from mozu.core.rule_tests.report import coverage_summary, outcome_lines, uncovered_lines
from tests.core.rule_tests.suites import run
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/rules/tests.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
RULES, TESTS = [text for language, text in BLOCKS if language == "yaml"][:2]


def written_as(folder: Path, rules: str, tests: str) -> list[str]:
    """Return the printed lines, with the names of the page."""
    outcomes, coverage = run(folder, rules, tests)
    lines = [line for one in outcomes for line in outcome_lines(one)] + list(uncovered_lines(coverage))
    names = (("my_test.yaml", "my_rules_test.yaml"), ("my.yaml", "my_rules.yaml"))
    text = "\n".join([*lines, coverage_summary(coverage)]).replace(f"{folder}/", "")
    for ours, of_the_page in names:
        text = re.sub(rf"\b{re.escape(ours)}", of_the_page, text)
    return text.split("\n")


def printed(beginning: str) -> list[str]:
    """Return the lines of the block of the page that begins so."""
    (found,) = (text for language, text in BLOCKS if not language and text.startswith(beginning))
    return found.rstrip("\n").split("\n")


def test_the_example_passes_and_covers_its_rule(tmp_path: Path) -> None:
    assert written_as(tmp_path, RULES, TESTS) == printed("2 passed")[1:]


def test_what_is_forgotten_is_said_as_on_the_page(tmp_path: Path) -> None:
    forgotten = TESTS.replace("{evt.type: execve, evt.failed: false, proc.cmdline", "{evt.type: execve, proc.cmdline")
    assert written_as(tmp_path, RULES, forgotten)[:3] == printed("FAILED A person")


def test_what_is_not_covered_is_listed_as_on_the_page(tmp_path: Path) -> None:
    without = re.sub(r".*ansible\]}\n", "", TESTS)
    assert written_as(tmp_path, RULES, without)[:-1] == printed("my_rules.yaml:3")


def test_the_tables_have_every_key() -> None:
    keys = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert set(keys) == {*reader._KEYS, "rules"}
