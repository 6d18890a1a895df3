"""The table of docs/rules/detection.md: each action of Falco's event-generator has a rule, and each rule an act."""

import re

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.generator import cell, raised, reported
from tests.support.requirements import ROOT
from tests.support.triggers.actions import ACTIONS, NO_ACT, NOT_WANTED
from tests.support.triggers.own import HOST
from tests.support.triggers.own_contained import CONTAINED
from tests.support.triggers.ways import WAYS

_PAGE = (ROOT / "docs" / "rules" / "detection.md").read_text()


def test_the_page_names_the_rule_of_each_action() -> None:
    assert {action: cells[0] for action, cells in reported(_PAGE).items()} == {
        action: ", ".join(rules) for action, rules in ACTIONS.items()
    }
    words = " ".join(_PAGE.split())
    for action, reason in NOT_WANTED.items():
        assert f"{action} has no rule and is not wanted: {reason}." in words


def test_each_action_raised_its_rule_wherever_the_program_does_it() -> None:
    for action, (_, *cells) in reported(_PAGE).items():
        said = [text for text in cells if text]
        assert said, action
        for text in said:
            rules = re.findall(r"MZ-\d+", text)
            assert text == NO_ACT[action] if action in NO_ACT else rules, (action, text)
            assert set(rules) <= set(ACTIONS[action]), (action, text)


def test_a_cell_has_rules_of_the_meaning_with_their_levels() -> None:
    assert cell("ClearLogActivities", {"MZ-0030": "low", "MZ-0001": "low"}, True) == "MZ-0030 (low)"
    assert cell("ClearLogActivities", {"MZ-0001": "low"}, True) == "no rule"
    assert cell("ScheduleCronJobs", {}, True) == NO_ACT["ScheduleCronJobs"]
    assert cell("ClearLogActivities", {}, False) == ""


def test_alerts_belong_to_an_action_by_container_or_cgroup() -> None:
    alerts = [
        {"rule": "Log removed or emptied", "tags": ["host", "level_low"], "output_fields": fields}
        for fields in (
            {"container.name": "mozu-generator-WriteBelowEtc", "thread.cgroups": "memory=/docker/1"},
            {"thread.cgroups": "cpu=/ memory=/mozu-generator/X"},
            {"thread.cgroups": "memory=/"},
        )
    ]
    assert raised(alerts) == {("WriteBelowEtc", "container"): {"MZ-0030": "low"}, ("X", "host"): {"MZ-0030": "low"}}


def test_a_table_is_read_by_its_columns() -> None:
    rows = "| action | rule | host | container |\n| Abc | MZ-0001 |  | MZ-0001 (low) |"
    page = f"<!-- generator -->\n{rows}\n<!-- end of generator -->"
    assert reported(page) == {"Abc": ("MZ-0001", "", "MZ-0001 (low)")}


def test_each_of_these_rules_is_raised_by_an_act() -> None:
    names = {entry.id: entry.name for entry in registered() if not entry.removed}
    raised = {act.rule for act in HOST} | {act.rule for act in CONTAINED} | {rule for way in WAYS for rule in way.rules}
    wanted = {names[rule] for rules in ACTIONS.values() for rule in rules}
    assert wanted - raised == set()
