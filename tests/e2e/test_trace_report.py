"""Reports conform to the schemas that readers of SARIF 2.1.0 and of JUnit files demand."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cli.trace.report import TraceOutcome, junit, sarif
from mozu.core.testing import alert
from tests.support.reports import junit_faults, sarif_faults
from tests.support.tracing import place, trace

HOSTILE = "a\x1b[31m\udcff<b>&\x00\ufffe"


@pytest.fixture
def outcome(tmp_path: Path) -> TraceOutcome:
    """Return a run with an alert whose texts are hostile."""
    raised = alert("A rule", HOSTILE)
    return TraceOutcome(
        ("make", HOSTILE), str(tmp_path), 3, 1.5, ("A rule", "A quiet rule"), (raised,), "0.1.0", "host"
    )


@pytest.fixture
def quiet(tmp_path: Path) -> TraceOutcome:
    """Return a run without rules and without alerts."""
    return TraceOutcome(("true",), str(tmp_path), 0, 0.0, (), (), "0.1.0")


def test_reports_are_valid_by_their_schemas_whatever_the_texts_are(outcome: TraceOutcome, quiet: TraceOutcome) -> None:
    faults = [
        fault for run in (outcome, quiet) for fault in (*sarif_faults(sarif(run)), *junit_faults(junit(run).decode()))
    ]

    assert [] == faults


def test_the_schemas_report_what_is_wrong() -> None:
    assert (True, True) == (
        bool(sarif_faults('{"version": "2.1.0", "runs": [{"results": [{"level": "loud"}]}]}')),
        bool(junit_faults("<testsuites><testsuite><testcase/></testsuite></testsuites>")),
    )


def test_reports_of_a_real_run_are_valid_by_their_schemas() -> None:
    with place() as root:
        at = root / "tree"
        done = trace(
            "--report", "junit:r.xml", "--report", "sarif:r.sarif", "--",
            "sh", "-c", "cat /etc/shadow; cat Makefile; exit 5", at=at,
        )  # fmt: skip
        text = (at / "r.sarif").read_text()
        faults = [*sarif_faults(text), *junit_faults((at / "r.xml").read_text())]
        results = json.loads(text)["runs"][0]["results"]

    assert ([], 1, 5) == (faults, len(results), done.returncode), done.stderr


def test_every_result_names_a_rule_of_the_driver_a_level_a_message_and_a_place(outcome: TraceOutcome) -> None:
    document: dict[str, Any] = json.loads(sarif(outcome))
    run = document["runs"][0]
    result = run["results"][0]
    where = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert (
        "2.1.0", "a-rule", True, True, True,
    ) == (
        document["version"], run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"],
        result["level"] in ("none", "note", "warning", "error"), bool(result["message"]["text"]), bool(where),
    )  # fmt: skip


def test_ids_of_results_have_the_form_that_sarif_knows(outcome: TraceOutcome) -> None:
    found = json.loads(sarif(outcome))["runs"][0]["results"][0]["guid"]

    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found)


def test_a_junit_report_counts_its_cases(outcome: TraceOutcome) -> None:
    suite = ElementTree.fromstring(junit(outcome))[0]

    assert ("3", "2", 3) == (suite.attrib["tests"], suite.attrib["failures"], len(suite.findall("testcase")))
