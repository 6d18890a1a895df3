"""The dashboard and the alert rules use only metrics that exist, with labels that they have."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from mozu.core.runtime.operations.metric_help import known_metrics
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/operate/operations.md").read_text()
RULES = yaml.safe_load((ROOT / "docs/operate/monitoring/prometheus-rules.yaml").read_text())
NAMES = ("dashboard", "fleet")
DASHBOARDS = [json.loads((ROOT / f"docs/operate/monitoring/grafana-{name}.json").read_text()) for name in NAMES]
FROM_PROMETHEUS = {"job", "instance", "le"}


def rules() -> Iterator[dict[str, str]]:
    for group in RULES["groups"]:
        yield from group["rules"]


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def queries() -> list[str]:
    panels = [target["expr"] for board in DASHBOARDS for panel in board["panels"] for target in panel["targets"]]
    variables = [one["query"] for board in DASHBOARDS for one in board["templating"]["list"] if one["type"] == "query"]
    return [*panels, *variables, *(rule["expr"] for rule in rules())]


def labels(metric: str) -> set[str]:
    name = metric if metric in known_metrics() else metric.removeprefix("mozu_")
    return {*known_metrics()[name].labels, *FROM_PROMETHEUS}


@pytest.mark.parametrize("query", queries())
def test_every_metric_that_is_asked_for_exists(query: str) -> None:
    names = re.findall(r"\bmozu_\w+", query)
    assert set(re.findall(r"\bmozu:\w+", query)) <= recorded()
    for name, selector in re.findall(r"\b(mozu_\w+)(?:\{([^}]*)\})?", query):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector or ""))
        assert asked - {"source"} <= labels(name), query
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        known = {label for name in names for label in labels(name)}
        assert {label.strip() for label in grouped.split(",")} <= known, query


def test_every_recorded_rule_is_explained() -> None:
    assert recorded() == set(re.findall(r"^\| `(mozu:\w+)`", PAGE, re.MULTILINE))


def test_every_page_of_the_listener_is_explained() -> None:
    code = (ROOT / "core/runtime/operations/http_server.py").read_text()
    served = re.findall(r'^ {12}"(/\w+)":', code, re.MULTILINE)
    assert set(served) == set(re.findall(r"^\| `(/\w+)`", PAGE, re.MULTILINE))
