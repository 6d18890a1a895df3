"""Mozu's own rules: the tests beside them (plugins/rules/packs/*_test.yaml), and what every rule has."""

import pytest

from mozu.core.language.rules import load
from mozu.core.model.fields.registry import FieldRegistry
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import OutcomeKind
from mozu.core.rule_tests.report import uncovered_lines
from mozu.core.rule_tests.suite import Plan, Suite, find
from mozu.core.runtime.registry import Registry
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from tests.plugins.rules.making import context


@pytest.fixture(scope="module")
def evaluator() -> FalcoEvaluator:
    return FalcoEvaluator(FalcoSettings(rules=(PACKS,), rule_matching="all"), context())


def test_the_tests_beside_them_pass_and_cover_them() -> None:
    suite = Suite(context().fields, LiveRun(Registry), Plan())
    outcomes = list(suite.run(find([PACKS])))
    assert [one.messages for one in outcomes if one.kind is not OutcomeKind.PASSED] == []
    assert len(outcomes) >= 30
    assert suite.coverage.rules
    assert all(suite.coverage.rules.values())
    assert list(uncovered_lines(suite.coverage)) == []


def test_every_rule_carries_a_tactic_and_a_technique_of_mitre(evaluator: FalcoEvaluator) -> None:
    plain = [
        rule.name
        for rule in evaluator.rules
        if not any(tag.startswith("mitre_") for tag in rule.tags) or not any(tag[:1] == "T" for tag in rule.tags)
    ]

    assert [] == plain


def test_every_output_names_the_container(evaluator: FalcoEvaluator) -> None:
    wanted = ("container_id=%container.id", "container_name=%container.name", "image=%container.image.repository")

    silent = [rule.name for rule in evaluator.rules if not all(part in rule.output_text for part in wanted)]

    assert [] == silent


def test_the_packs_load_without_a_warning() -> None:
    fields: FieldRegistry = context().fields

    assert [] == list(load([PACKS], fields).report.problems())
