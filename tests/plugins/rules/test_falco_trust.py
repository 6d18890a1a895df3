"""docs/rules/detection.md names the proof of each fact that spares a process from a default rule."""

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

import pytest
import yaml

from mozu.core.language.rules import load, review
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.rule_tests.given import builder
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.suite import Plan, Suite, find
from mozu.core.runtime.registry import Registry
from mozu.plugins.rules.falco.settings import PACKS
from tests.plugins.rules.making import context
from tests.support.requirements import ROOT

_ABOUT_PROCESSES: Final = re.compile(r"\b(?:proc|user|group|container|k8s|thread)\.[a-z_.]+")


def packs() -> list[Mapping[str, Any]]:
    """Return all items of the default rules."""
    paths = sorted((ROOT / "plugins" / "rules" / "packs").glob("*.yaml"))
    texts = [path.read_text() for path in paths if not path.stem.endswith("_test")]
    return [item for text in texts for item in yaml.load(text, Loader=yaml.BaseLoader)]


def negated(condition: str) -> Iterator[str]:
    """Return the operand of each `not`."""
    for found in re.finditer(r"\bnot\b\s*", condition):
        rest, depth = condition[found.end() :], 0
        if not rest.startswith("("):
            yield re.split(r"\b(?:and|or)\b", rest, maxsplit=1)[0]
            continue
        for end, letter in enumerate(rest):
            depth += (letter == "(") - (letter == ")")
            if not depth:
                yield rest[:end]
                break


def facts(condition: str, macros: Mapping[str, str], seen: frozenset[str] = frozenset()) -> set[str]:
    """Yield fields of processes in a condition, those of its macros included."""
    found = set(_ABOUT_PROCESSES.findall(condition))
    for name in set(re.findall(r"\b[a-z_0-9]+\b", condition)) & macros.keys() - seen:
        found |= facts(macros[name], macros, seen | {name})
    return found


def excepted_by() -> set[str]:
    items = packs()
    macros = {item["macro"]: item["condition"] for item in items if "macro" in item}
    rules = [item for item in items if "rule" in item]
    conditions = [part for rule in rules for part in negated(rule["condition"])]
    named = {str(field) for rule in rules for one in rule.get("exceptions", ()) for field in one.get("fields", ())}
    return set().union(*(facts(part, macros) for part in conditions)) | facts(" ".join(named), {})


def test_the_table_of_trust_has_every_fact_that_exceptions_depend_on_and_no_other() -> None:
    page = (ROOT / "docs" / "rules" / "detection.md").read_text()
    table = page.partition("## What spares a process from a rule")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert all(len(row) == 3 for row in rows)
    listed = {name for first, *_ in rows for name in re.findall(r"`([a-z.0-9_]+)`", first)}

    assert excepted_by()
    assert excepted_by() == listed


def test_no_alert_needs_a_trusted_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "trusted_name_of", lambda _: None)
    outcomes = list(Suite(context().fields, LiveRun(Registry), Plan()).run(find([PACKS])))
    messages = [str(message) for one in outcomes for message in one.messages]
    assert any("should stay quiet" in message for message in messages)
    assert [message for message in messages if "should match" in message] == []


def test_each_exception_by_a_name_says_why_a_name_is_enough() -> None:
    fields = context().fields
    found = [
        one.context.chain()[1]
        for one in review(load([PACKS], fields).rules, fields, strict=True)
        if one.code == Code.LINT_EVADABLE_NAME and re.search(r" by proc[.](a|p)?(name|exe) ", one.message)
    ]
    assert found

    assert {item.name for item in found if "A name is enough" not in _comment(item)} == set()


def _comment(item: ProblemContext) -> str:
    """Return the comment above the item."""
    lines = item.source.text[: item.offset].splitlines()
    above = lines[:-1] if item.source.text[: item.offset][-1:] != "\n" else lines
    return "\n".join(takewhile(lambda text: text.startswith("#"), reversed(above)))
