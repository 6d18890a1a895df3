"""Outcomes → JUnit XML: a suite for each file, a case for each test."""

import re
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.outcome import OutcomeKind, TestOutcome

_ELEMENTS: Final = {OutcomeKind.FAILED: "failure", OutcomeKind.ERROR: "error", OutcomeKind.SKIPPED: "skipped"}
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow."""


def junit(outcomes: Sequence[TestOutcome], coverage: Coverage) -> str:
    """Return the document; the coverage is a property of the whole."""
    files: dict[str, list[TestOutcome]] = {}
    for outcome in outcomes:
        files.setdefault(outcome.file, []).append(outcome)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<testsuites {_counts(outcomes)}>"]
    for file, found in files.items():
        lines.append(f"  <testsuite name={_attribute(file)} {_counts(found)}>")
        percent = f'<property name="arms_covered_percent" value="{coverage.percent:.1f}"/>'
        lines.append(f"    <properties>{percent}</properties>")
        lines += [_case(outcome) for outcome in found]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _counts(outcomes: Sequence[TestOutcome]) -> str:
    number = {kind: sum(one.kind is kind for one in outcomes) for kind in OutcomeKind}
    seconds = sum(one.seconds for one in outcomes)
    return (
        f'tests="{len(outcomes)}" failures="{number[OutcomeKind.FAILED]}" errors="{number[OutcomeKind.ERROR]}" '
        f'skipped="{number[OutcomeKind.SKIPPED]}" time="{seconds:.3f}"'
    )


def _case(outcome: TestOutcome) -> str:
    name = outcome.name or "(the file)"
    head = f'    <testcase classname={_attribute(outcome.file)} name={_attribute(name)} time="{outcome.seconds:.3f}"'
    element = _ELEMENTS.get(outcome.kind)
    if element is None:
        return f"{head}/>"
    text = "\n".join(outcome.messages)
    first = text.partition("\n")[0]
    return f"{head}>\n      <{element} message={_attribute(first)}>{escape(_clean(text))}</{element}>\n    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
