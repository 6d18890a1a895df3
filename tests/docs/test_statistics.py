"""docs/operate/statistics.md states exactly the equations that the tests check, and names every key of the
statistics."""

import re

import pytest
import yaml

from mozu.core.runtime.operations.metric_help import known_metrics
from tests.support.equations import EQUATIONS, SINK, Equation
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/operate/statistics.md").read_text()
RULES = yaml.safe_load((ROOT / "docs/operate/monitoring/prometheus-rules.yaml").read_text())


def test_the_page_has_these_equations_and_no_other() -> None:
    rows = re.findall(r"^\| (`\S+`) \| (`\w+`(?: \+ `\w+`)* = .+) \|$", PAGE, re.MULTILINE)
    assert [(f"`{one.of}`", str(one)) for one in EQUATIONS] == rows


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda one: one.of)
def test_each_term_is_explained_and_is_a_metric(equation: Equation) -> None:
    assert {*equation.left, *equation.right} == set(equation.metrics)
    assert set(equation.metrics.values()) <= set(known_metrics())
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith(f"| `{equation.of.rpartition('.')[0]}"))
    for term in equation.metrics:
        assert f"`{term}`" in rows or f".{term}`" in rows, term


def test_the_recording_rule_of_sinks_has_every_term_once() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    (expression,) = [rule["expr"] for rule in rules if rule.get("record") == "mozu:sink_alerts_unaccounted"]
    assert sorted(re.findall(r"mozu_(\w+)", expression)) == sorted(SINK.metrics.values())
