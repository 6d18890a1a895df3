"""Declarations of what a plugin can bring besides components: fields of any event, formats of alerts, commands."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

import click
import msgspec

from mozu.core.api.declarations import API_VERSION
from mozu.core.api.settings import Settings
from mozu.core.model.alert import Alert, Stamp
from mozu.core.model.fields import Field


class FieldsDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """Declaration of fields that are read from an event alone, and need no component."""

    what: ClassVar[str] = "fields"

    name: str
    """The name of this set of fields, for `mozu plugins`."""
    summary: str
    """A sentence for `mozu plugins`."""
    fields: tuple[Field, ...]
    api: int = API_VERSION


@runtime_checkable
class Encoder(Protocol):
    """An encoder of one alert to one record without a line end. Pure; never raises for hostile values."""

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the record; formats that have a place for it carry the stamp, the alert's number at its sink."""


class FormatDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """Declaration of a format, which a sink's `format` can name."""

    what: ClassVar[str] = "format"

    name: str
    """The name as a sink's `format` writes it."""
    summary: str
    """A sentence for `mozu plugins`."""
    content_type: str
    """The media type of one record."""
    build: Callable[[Any], Encoder]
    """Function from options to the encoder."""
    settings: type[Settings] = Settings
    """The class of the format's options."""
    requested_fields: tuple[str, ...] = ()
    """Fields for which the format has a place, even if a rule's output does not name them: evaluators put them into
    `Alert.enrichment`.
    """
    further_fields: Callable[[Any], tuple[str, ...]] | None = None
    """Function from options to fields that the format has a place for with these options only."""
    schema: Callable[[Any], str] | None = None
    """Function from options to the JSON Schema, as text, that every record keeps with these options; empty if there is
    none."""
    api: int = API_VERSION


class CommandsDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """Declaration of commands of a plugin that has no component: `mozu NAME COMMAND`."""

    what: ClassVar[str] = "commands"

    name: str
    """The name of the entry point, so that it is found without importing others."""
    summary: str
    """A sentence for `mozu NAME --help` and `mozu plugins`."""
    commands: Callable[[], Mapping[str, "click.Command"]]
    """Function that returns the commands by name."""
    api: int = API_VERSION


AnyExtension = FieldsDeclaration | FormatDeclaration | CommandsDeclaration

EXTENSIONS: Final[tuple[type[AnyExtension], ...]] = (FieldsDeclaration, FormatDeclaration, CommandsDeclaration)
"""The classes of the three declarations."""
