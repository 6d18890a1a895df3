"""The type of a setting that names another source (`SourceChoiceDeclaration`)."""

from typing import Final

from pydantic import JsonValue

NO_SOURCE: Final = "none"

SourceChoice = str | dict[str, dict[str, JsonValue] | None]
"""A source by its name, one mapping from its name to its settings, or `none`: as entries of `sources` are written."""
