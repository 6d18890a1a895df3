"""The table of docs/detection.md: each action of Falco's event-generator has a rule, and each rule an act."""

import re

from mozu.plugins.rules.falco.rule_ids import registered
from tests.support.requirements import ROOT
from tests.support.triggers.actions import ACTIONS, NOT_WANTED
from tests.support.triggers.own import CONTAINED, HOST
from tests.support.triggers.ways import WAYS

_SECTION = re.compile(r"## Falco's event-generator\n(.*?)\n## ", re.DOTALL)


def test_the_page_names_the_rule_of_each_action() -> None:
    found = _SECTION.search((ROOT / "docs" / "detection.md").read_text())
    assert found is not None
    rows = dict(re.findall(r"^\| ([A-Z]\w+) \| (.+) \|$", found[1], re.MULTILINE))
    expected = {action: ", ".join(rules) for action, rules in ACTIONS.items()}
    assert rows == expected | {action: f"not wanted: {reason}" for action, reason in NOT_WANTED.items()}


def test_each_of_these_rules_is_raised_by_an_act() -> None:
    names = {entry.id: entry.name for entry in registered() if not entry.removed}
    raised = {trigger.rule for trigger in (*HOST, *CONTAINED)} | {rule for way in WAYS for rule in way.rules}
    wanted = {names[rule] for rules in ACTIONS.values() for rule in rules}
    assert wanted - raised == set()
