"""Tests beside a rule file, as an editor shows and runs them."""

from pathlib import Path

import pytest

from mozu.core.rule_tests.beside import TestsBeside
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.plugins import builtin_plugins_and, fields_of

RULES = """- rule: A shell
  desc: of a test
  condition: evt.type = execve and proc.name = bash
  output: "a shell %proc.name"
  priority: NOTICE
"""
TESTS = """- test: bash is one
  event: {evt.type: execve, proc.name: bash}
  match: A shell

- test: zsh is one
  event: {evt.type: execve, proc.name: zsh}
  match: A shell

- test: true is none
  run: "true"
  quiet: A shell
"""


@pytest.fixture
def beside() -> TestsBeside:
    registry = builtin_plugins_and(())
    return TestsBeside(fields_of(registry), LiveRun(lambda: registry))


def test_each_rule_has_its_number_of_tests(beside: TestsBeside, tmp_path: Path) -> None:
    (tmp_path / "rules_test.yaml").write_text(TESTS)

    assert {"A shell": 3} == beside.counts(str(tmp_path / "rules.yaml"))

    (tmp_path / "rules_test.yaml").write_text(TESTS.partition("\n\n")[0])
    assert {"A shell": 1} == beside.counts(str(tmp_path / "rules.yaml"))


def test_tests_with_events_are_run_and_failures_say_where(beside: TestsBeside, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "rules_test.yaml").write_text(TESTS)

    summary, *failures = beside.run(str(tmp_path / "rules.yaml"), "A shell")

    assert summary == "A shell: 1 passed, 1 failed, 1 with an act or a recording, which `mozu test` runs"
    (failure,) = failures
    assert failure.startswith(f"{tmp_path}/rules_test.yaml:6:")


def test_a_document_that_is_no_file_has_no_tests(beside: TestsBeside) -> None:
    assert {} == beside.counts("untitled:Untitled-1/x")
