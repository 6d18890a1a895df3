"""The ids of mozu's own rules: each rule has an id, none changes unnoticed, none is given twice."""

from pathlib import Path

import pytest

from mozu.core.language.rules import Rule, load, with_static_fields
from mozu.plugins.rules.falco.rule_ids import RegisteredRule, registered
from mozu.plugins.rules.falco.settings import PACKS
from tests.plugins.rules.making import context
from tests.support.requirements import ROOT

TRACE = PACKS.parent / "packs_trace"


def _rules() -> list[Rule]:
    fields = context().fields
    static = {"tree": "/t/", "home": "/h/", "tmp": "/tmp/"}
    return [
        *load([PACKS], fields).rules.rules,
        *load([TRACE], with_static_fields(fields, static)).rules.rules,
    ]


def test_every_rule_is_registered_under_its_id_and_name() -> None:
    there = {entry.id: entry.name for entry in registered() if not entry.removed}
    assert there == {rule.guidance.id: rule.name for rule in _rules()}


def test_no_two_rules_have_one_id() -> None:
    ids = [rule.guidance.id for rule in _rules()]
    assert len(ids) == len(set(ids))


def test_what_became_of_an_id_stands_in_the_changelog_of_rules() -> None:
    page = (ROOT / "docs" / "rules" / "rule-changes.md").read_text()
    entries = registered()
    for entry in entries:
        if entry.removed or entry.former or entry.since != "0.1.0":
            assert entry.id in page, entry
    versions = {version for entry in entries for version in (entry.since, entry.removed) if version}
    assert all(f"### {version}" in page for version in versions)


def test_a_line_says_names_before_and_the_end(tmp_path: Path) -> None:
    path = tmp_path / "ids.tsv"
    path.write_text("MZ-0001\t0.1.0\tNew name\twas Old name; removed 0.4.0, see MZ-0002\nMZ-0002\t0.2.0\tOther\n")
    assert registered(path) == [
        RegisteredRule(
            id="MZ-0001", since="0.1.0", name="New name", former=("Old name",), removed="0.4.0", instead="MZ-0002"
        ),
        RegisteredRule(id="MZ-0002", since="0.2.0", name="Other"),
    ]


@pytest.mark.parametrize("text", ["MZ-0002\t0.1.0\tx\n", "MZ-0001\t0.1.0\tx\tgone\n", "MZ-0001\tx\n"])
def test_a_gap_a_wrong_order_or_an_unknown_word_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ids.tsv"
    path.write_text(text)
    with pytest.raises(ValueError, match="line 1 of the registry"):
        registered(path)
