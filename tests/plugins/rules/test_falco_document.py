"""The page of mozu's own rules."""

from mozu.core.language.rules import load
from mozu.plugins.rules.falco.document import document
from mozu.plugins.rules.falco.settings import PACKS
from tests.plugins.rules.making import context
from tests.support.requirements import ROOT


def test_the_committed_page_is_current() -> None:
    page = (ROOT / "docs" / "rules" / "default-rules.md").read_text()
    rules = load([PACKS], context().fields).rules.rules
    assert page == document(rules), "run: python -m mozu.plugins.rules.falco.document > docs/rules/default-rules.md"
    assert all(f"| {rule.name} |" in page for rule in rules)
