"""docs/operate/benchmarks.md: each table states the commit, the date and the machine of its measurements."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operate/benchmarks.md").read_text()
MEASURED = re.compile(r"\*?Commits? (?:.*`[0-9a-f]{8}`)+.*\(\d+ [A-Z]\w+ \d{4}\).*(?:machine [A-Z]\.|\d × .*, Linux )")


def tables(text: str) -> Iterator[tuple[str, str]]:
    """Yield the first line of each table with the line above it."""
    above = ""
    is_inside = False
    for line in text.splitlines():
        if line.startswith("|"):
            if not is_inside:
                yield line, above
            is_inside = True
        elif line:
            above, is_inside = line, False


def test_each_table_names_commit_date_and_machine() -> None:
    found = list(tables(PAGE))

    assert len(found) > 40
    assert [head for head, above in found if MEASURED.match(above) is None] == []


def test_each_machine_that_a_table_names_is_described() -> None:
    for name in set(re.findall(r"machine ([A-Z])\.\*", PAGE)):
        assert f"**Machine {name}**" in PAGE


def test_a_table_that_says_nothing_of_its_origin_is_found() -> None:
    ((_, above),) = tables("Medians:\n\n| a |\n|---|\n| 1 |\n")

    assert MEASURED.match(above) is None
