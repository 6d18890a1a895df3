"""The formats by name. A format's module is imported on first use, because most configurations use one or two."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from mozu.core.api.extensions import FormatDeclaration

_MODULES: Final[Mapping[str, str]] = {
    "falco": "falco_text",
    "json": "falco_json",
    "compact": "compact",
    "ecs": "ecs",
    "ocsf": "ocsf",
    "cef": "cef",
    "cloudevents": "cloudevents",
}
"""Module of this package that defines FORMAT, by the value of a sink's `format`."""


class Formats(Mapping[str, FormatDeclaration]):
    """Mapping from name to format: mozu's own formats and those of plugins."""

    def __init__(self, brought: Mapping[str, FormatDeclaration]) -> None:
        self._brought = brought

    def __getitem__(self, name: str) -> FormatDeclaration:
        if name in self._brought:
            return self._brought[name]
        found: FormatDeclaration = import_module(f"mozu.core.delivery.encode.{_MODULES[name]}").FORMAT
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._brought or name in _MODULES

    def __iter__(self) -> Iterator[str]:
        yield from _MODULES
        yield from self._brought

    def __len__(self) -> int:
        return len(_MODULES) + len(self._brought)


FORMATS: Final = Formats({})
"""Mozu's own formats."""
