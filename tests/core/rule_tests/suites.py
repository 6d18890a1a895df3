"""Test files of rules, run from texts."""

from collections.abc import Sequence
from pathlib import Path

from mozu.core.language.rules import plugin_fields
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import TestOutcome
from mozu.core.rule_tests.suite import Plan, Suite, find
from mozu.core.runtime.registry import Registry


def fields() -> FieldRegistry:
    """Return the fields of the core and of the plugins that the registry stands in for."""
    return FieldRegistry((*builtin_fields(), *plugin_fields()))


def run(folder: Path, rules: str, tests: str, plan: Plan | None = None) -> tuple[list[TestOutcome], Coverage]:
    """Run `rules` and `tests` side by side in a folder; return outcomes and coverage."""
    (folder / "my.yaml").write_text(rules)
    (folder / "my_test.yaml").write_text(tests)
    suite = Suite(fields(), LiveRun(Registry), plan or Plan())
    return list(suite.run(find([folder]))), suite.coverage


def messages(outcomes: Sequence[TestOutcome], folder: Path) -> list[str]:
    """Return the messages, without the folder."""
    return [text.replace(f"{folder}/", "") for one in outcomes for text in one.messages]


def kinds(outcomes: Sequence[TestOutcome]) -> dict[str, str]:
    """Return the map test → kind of outcome."""
    return {one.name: one.kind.value for one in outcomes}


RULES = """
- list: readers
  items: [cat, less]
- macro: opened
  condition: (evt.type in (open, openat) and fd.num >= 0)
- rule: Secret read
  desc: A secret was read.
  condition: opened and fd.name startswith /secret/ and proc.name in (readers) and not proc.aname = make
  output: a secret was read (file=%fd.name by=%proc.name parent=%proc.pname up=%proc.aname[2])
  priority: NOTICE
- rule: Anything opened
  desc: Something was opened.
  condition: opened
  output: opened %fd.name
  priority: DEBUG
  enabled: false
"""
"""Rules for most of these tests."""
