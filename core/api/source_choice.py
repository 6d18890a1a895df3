"""The type of a setting that names another source (`SourceChoiceDeclaration`)."""

from typing import Final

from pydantic import JsonValue

NO_SOURCE: Final = "none"

SourceChoice = str | dict[str, dict[str, JsonValue] | None]
"""A source by its name, a mapping from its name to its settings, or `none`: the form of the entries of `sources`."""
