"""Terms of the glossary: each leads to a file that contains it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/glossary.md"


def rows() -> list[tuple[str, str, str]]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]
    return [(term, meaning, file) for term, meaning, file in cells[1:]]


def test_every_file_exists_and_holds_its_term() -> None:
    wrong = []
    for term, _, file in rows():
        path = ROOT / file
        words = re.escape(term).replace(r"\ ", r"[\s_-]?")
        if not path.is_file() or not re.search(words, path.read_text(), re.IGNORECASE):
            wrong.append(f"{term}: {file}")
    assert wrong == []
    assert len(rows()) >= 10


def test_terms_are_sorted_and_each_is_one_sentence() -> None:
    terms = [term.lower() for term, _, _ in rows()]
    assert terms == sorted(set(terms))
    assert [meaning for _, meaning, _ in rows() if not meaning.endswith((".", "…")) or ". " in meaning] == []
