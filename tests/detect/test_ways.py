"""The page docs/rules/ways.md about the rules that each way raises, on the host and in containers."""

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.ways import PAGE, reported
from tests.support.triggers.ways import WAYS
from tests.support.triggers.ways.way import PLACES


def test_the_page_has_every_way_once_and_in_its_order() -> None:
    rows = list(reported(PAGE.read_text()))
    assert rows == [(way.end, way.by) for way in WAYS], "run: python -m tests.detect.ways docs/rules/ways.md"


def test_each_way_raises_a_rule_of_its_meaning_in_every_place() -> None:
    names = {entry.id: entry.name for entry in registered() if not entry.removed}
    page = reported(PAGE.read_text())
    for way in WAYS:
        for place in PLACES:
            found = {names[rule] for rule in page[way.end, way.by][place]}
            assert found, (way.end, way.by, place)
            assert found <= way.rules, (way.end, way.by, place)


def test_a_table_is_read_by_its_columns() -> None:
    head = "| end | way | host | docker | containerd |\n|---|---|---|---|---|"
    rows = f"{head}\n| a | b | MZ-0001, MZ-0002 (paranoid) | MZ-0003 |  |"
    expected = {"host": {"MZ-0001", "MZ-0002"}, "docker": {"MZ-0003"}, "containerd": set()}
    assert reported(f"<!-- ways -->\n{rows}\n<!-- end of ways -->") == {("a", "b"): expected}
