"""The table of docs/rules/detection.md about the evidence for each default rule."""

from tests.detect.positives import positives, written
from tests.detect.traced import UNSEEN
from tests.support.requirements import ROOT
from tests.support.triggers.own import HOST


def test_the_committed_table_is_current() -> None:
    page = (ROOT / "docs" / "rules" / "detection.md").read_text()
    assert "<!-- positives -->" in page
    assert written(page) == page, "run: python -m tests.detect.positives docs/rules/detection.md"


def test_every_default_rule_is_raised_by_events_given_as_fields_and_by_an_act() -> None:
    rows = positives()
    assert len(rows) > 100
    assert [row.rule for row in rows if not row.events or not (row.on_host or row.in_containers)] == []


def test_what_ptrace_does_not_see_are_acts_of_the_host() -> None:
    assert UNSEEN.keys() - {trigger.rule for trigger in HOST} == set()
