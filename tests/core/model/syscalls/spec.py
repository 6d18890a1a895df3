"""Rows of the tables of the reference's events and fields."""

from collections.abc import Iterator

from tests.support.requirements import DATA


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table, cut at tabs, without comments."""
    for line in (DATA / "reference" / name).read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
