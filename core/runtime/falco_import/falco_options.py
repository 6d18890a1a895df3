"""Replacements for Falco's command-line options, from falco_options.tsv."""

import importlib.resources
from collections.abc import Sequence
from functools import cache


@cache
def option_rows() -> Sequence[tuple[Sequence[str], str]]:
    """Return the rows of the table: spellings of an option, and what mozu has for it."""
    file = importlib.resources.files("mozu.core.runtime.falco_import").joinpath("falco_options.tsv")
    rows = (line.split("\t") for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return [(names.split(), text) for names, text in rows]


def instead_of(option: str) -> str | None:
    """Return what mozu has for an option of Falco; None if Falco has no such option."""
    return next((text for names, text in option_rows() if option in names), None)
