"""Pages of docs/: their links lead somewhere, and the first page of each group lists the group."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.snippets import DOCS, name_of
from tests.support.requirements import ROOT

PAGES: Final = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
GROUPS: Final = sorted(path.parent for path in DOCS.glob("*/README.md"))
_LINK: Final = re.compile(r"\]\(([^)\s:#]*)(?:#([^)\s]*))?\)")
_CODE: Final = re.compile(r"^( *)```.*?^\1```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Return the page's text without code."""
    return _CODE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors of the page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    texts = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).lower() for head in heads)
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for path, anchor in _LINK.findall(prose(page)):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")

    assert broken == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_first_page_lists_every_page_of_its_group(group: Path) -> None:
    listed = {(group / path).resolve() for path, _ in _LINK.findall((group / "README.md").read_text())}

    assert set(group.glob("*.md")) - {group / "README.md"} <= listed


def test_every_group_is_on_the_first_page_and_in_the_readme() -> None:
    for page in (DOCS / "README.md", ROOT / "README.md"):
        listed = {(page.parent / path).resolve() for path, _ in _LINK.findall(page.read_text())}
        assert {group / "README.md" for group in GROUPS} <= listed
