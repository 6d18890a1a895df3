"""Rules in shadow mode: evaluated like any other, and their matches have no effect."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mozu.core.api import Interest
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from tests.plugins.rules.making import context, executed, opened, process

NEW = """\
- rule: New
  desc: d
  output: "ran %proc.name"
  priority: WARNING
  condition: evt.type = execve
  tags: [pack_x]
  capture: true
  mozu: {id: X-1, respond: [kill, deny], shadow: true}
"""
OLD = """\
- rule: Old
  desc: d
  output: "old %proc.name"
  priority: NOTICE
  condition: evt.type = execve and proc.name = ls
"""
LAST = OLD.replace("Old", "Last")
PROMOTED = "- rule: New\n  mozu: {shadow: false}\n  override: {mozu: append}\n"


def _evaluator(folder: Path, text: str, **settings: Any) -> FalcoEvaluator:
    file = folder / "rules.yaml"
    file.write_text(text)
    return FalcoEvaluator(FalcoSettings.model_validate({"rules": [str(file)], **settings}), context())


def _found(evaluator: FalcoEvaluator) -> list[tuple[str, bool]]:
    return [(alert.rule, alert.shadow) for alert in evaluator.evaluate([executed(process("ls"))])]


@pytest.mark.parametrize("text", [NEW + OLD, OLD + NEW])
def test_a_rule_in_shadow_mode_hides_no_other_rule_and_is_hidden_by_none(tmp_path: Path, text: str) -> None:
    assert [("New", True), ("Old", False)] == sorted(_found(_evaluator(tmp_path, text)))


def test_among_the_others_the_first_match_still_wins(tmp_path: Path) -> None:
    assert [("New", True), ("Old", False)] == _found(_evaluator(tmp_path, NEW + OLD + LAST))
    assert [("New", True), ("Old", False), ("Last", False)] == _found(
        _evaluator(tmp_path, NEW + OLD + LAST, rule_matching="all")
    )


def test_its_alerts_name_no_responder_and_begin_no_capture(tmp_path: Path) -> None:
    (alert,) = _evaluator(tmp_path, NEW).evaluate([executed(process("ls"))])
    (promoted,) = _evaluator(tmp_path, NEW + PROMOTED).evaluate([executed(process("ls"))])

    assert ((), None, "X-1") == (alert.respond, alert.capture, alert.rule_id)
    assert (("kill", "deny"), 0, "X-1") == (promoted.respond, promoted.capture, promoted.rule_id)


def test_the_kernel_neither_kills_nor_denies_for_it(tmp_path: Path) -> None:
    evaluator, promoted = _evaluator(tmp_path, NEW), _evaluator(tmp_path, NEW + PROMOTED)

    assert evaluator.call_judge() is None
    assert promoted.call_judge() is not None
    assert [] == evaluator.rule_conditions(lambda head: True)
    assert ["New"] == [one.head.rule for one in promoted.rule_conditions(lambda head: True)]


def test_sources_bring_and_filter_the_same_events_for_it(tmp_path: Path) -> None:
    for text in (NEW, NEW.replace("evt.type = execve", "evt.type = openat and fd.name startswith /etc/")):
        shadow, promoted = _evaluator(tmp_path, text).demand(), _evaluator(tmp_path, text + PROMOTED).demand()
        assert shadow.types == promoted.types
        assert all(isinstance(one, Interest) for one in shadow.types["syscall"].values())


def test_its_matches_are_counted_apart(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, NEW + OLD)
    evaluator.evaluate([executed(process("ls")), executed(process("cat")), opened(process("cat"), "/x", "O_RDONLY")])

    found = {(name, labels["rule"]): value for name, labels, value in evaluator.context.metrics.collect() if value}
    assert {("rule_shadow_matches_total", "New"): 2, ("rule_matches_total", "Old"): 1}.items() <= found.items()
    assert ("rule_matches_total", "New") not in found


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ([{"shadow": {"rule": "O*"}}], ["New", "Old"]),
        ([{"shadow": {"tag": "pack_x"}}], ["New"]),
        ([{"promote": {"tag": "pack_x"}}], []),
        ([{"shadow": {"rule": "*"}}, {"promote": {"rule": "New"}}], ["Old"]),
        ([{"promote": {"rule": "New"}}, {"shadow": {"rule": "*"}}], ["New", "Old"]),
        ([{"disable": {"rule": "New"}}], []),
    ],
)
def test_a_selection_puts_rules_in_shadow_mode_and_promotes_them(
    tmp_path: Path, selection: list[Any], expected: list[str]
) -> None:
    assert expected == _evaluator(tmp_path, NEW + OLD, selection=selection).shadow_rules()


def test_an_element_of_a_selection_says_one_thing() -> None:
    for wrong in ({}, {"shadow": {"rule": "x"}, "promote": {"rule": "x"}}):
        with pytest.raises(ValidationError, match="exactly one of `enable`, `disable`, `shadow` and `promote`"):
            FalcoSettings.model_validate({"selection": [wrong]})


def test_the_digest_of_the_rules_tells_the_modes_apart(tmp_path: Path) -> None:
    shadow, promoted = _evaluator(tmp_path, NEW), _evaluator(tmp_path, NEW + PROMOTED)
    assert shadow.rules_digest() != promoted.rules_digest()
