"""Falco's files beside mozu's own rules: rules for the same acts are switched off by the files of `beside_falco`."""

import re
from typing import Final

import pytest

from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.rule_ids import registered
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from tests.plugins.rules.making import context
from tests.support.requirements import ROOT, corpus

BESIDE: Final = PACKS.parent / "beside_falco"
FILES: Final = {"stable": "falco_rules.yaml", "incubating": "falco-incubating_rules.yaml"}
PAGE: Final = (ROOT / "docs" / "rules" / "detection.md").read_text()
TABLE: Final = dict(re.findall(r"^\| (.+?) \| ((?:MZ-|not here).+?) \|$", PAGE, re.MULTILINE))
"""Rule, signature or class of other products → mozu's counterpart."""


def _switched_off(name: str) -> list[str]:
    return re.findall(r"^- rule: (.+?)  # MZ-", (BESIDE / f"{name}.yaml").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", FILES)
def test_what_is_switched_off_has_a_rule_of_mozu_in_the_table(name: str) -> None:
    assert [] == [rule for rule in _switched_off(name) if not TABLE[rule].startswith("MZ-")]


def test_every_id_in_the_table_is_one_of_a_rule() -> None:
    there = {entry.id for entry in registered() if not entry.removed}
    assert set(re.findall(r"MZ-\d{4}", PAGE)) <= there


@pytest.mark.corpus
def test_beside_the_packs_those_of_falco_run_that_mozu_lacks() -> None:
    files = [(corpus("falco-rules", file), BESIDE / f"{name}.yaml") for name, file in FILES.items()]
    rules = (PACKS, *(path for pair in files for path in pair))
    running = {rule.name for rule in FalcoEvaluator(FalcoSettings(rules=rules, level="paranoid"), context()).rules}
    alone = {rule.name for rule in FalcoEvaluator(FalcoSettings(level="paranoid", rules=(PACKS,)), context()).rules}
    falco = {rule.name for rule in FalcoEvaluator(FalcoSettings(rules=tuple(one for one, _ in files)), context()).rules}
    lacking = {name for name in falco if TABLE[name].startswith("not here")}
    assert running == alone | lacking
    assert falco - lacking <= {name for file in FILES for name in _switched_off(file)}
