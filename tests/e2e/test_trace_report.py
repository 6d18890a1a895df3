"""Reports: what the readers of SARIF 2.1.0 and of JUnit files demand."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cli.trace_report import Outcome, junit, sarif
from mozu.core.testing import alert

HOSTILE = "a\x1b[31m\udcff<b>&\x00\ufffe"


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    """A run with an alert whose texts are hostile."""
    raised = alert("A rule", HOSTILE)
    return Outcome(("make", HOSTILE), str(tmp_path), 3, 1.5, ("A rule", "A quiet rule"), (raised,), "0.1.0", "host")


def test_every_result_names_a_rule_of_the_driver_a_level_a_message_and_a_place(outcome: Outcome) -> None:
    document: dict[str, Any] = json.loads(sarif(outcome))
    run = document["runs"][0]
    result = run["results"][0]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert (
        "2.1.0", "a-rule", True, True, True,
    ) == (
        document["version"], run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"],
        result["level"] in ("none", "note", "warning", "error"), bool(result["message"]["text"]), bool(place),
    )  # fmt: skip


def test_ids_of_results_have_the_form_that_sarif_knows(outcome: Outcome) -> None:
    found = json.loads(sarif(outcome))["runs"][0]["results"][0]["guid"]

    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found)


def test_a_junit_report_is_xml_whatever_the_command_is_called(outcome: Outcome) -> None:
    suite = ElementTree.fromstring(junit(outcome))[0]

    assert ("3", "2", 3) == (suite.attrib["tests"], suite.attrib["failures"], len(suite))
