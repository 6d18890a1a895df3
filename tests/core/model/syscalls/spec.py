"""Rows of the reference's tables of events and fields."""

from collections.abc import Iterator

from tests.support.requirements import DATA


def rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of a table, split at tabs, without comments."""
    for line in (DATA / "reference" / name).read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
