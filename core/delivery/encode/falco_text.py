"""Falco's text line: `TIME: PRIORITY MESSAGE`, JSON-escaped as a whole."""

from typing import Final

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.delivery.encode.clock import clock, iso
from mozu.core.delivery.encode.document import one_line
from mozu.core.delivery.encode.escape import escaped, harmless
from mozu.core.delivery.encode.values import json_value
from mozu.core.model.alert import Alert, Stamp


class TextSettings(Settings):
    """Options of the format `falco`."""

    iso_time: bool = Field(False, description="The time as ISO 8601 in UTC, not as local time of day.")


class FalcoText:
    """Encoder of Falco's text line; `iso_time` is Falco's `time_format_iso_8601`."""

    def __init__(self, *, iso_time: bool = False) -> None:
        self._iso = iso_time

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return one line. mozu's own notices (source `internal`) have their fields behind the text."""
        if alert.source == "internal":
            return self._internal(alert)
        return escaped(self.line(alert)).encode()

    def line(self, alert: Alert) -> str:
        """Return the line before escaping, which is `output` in the JSON format."""
        when = iso(alert.time) if self._iso else clock(alert.time)
        return f"{when}: {alert.priority.label} {alert.message()}"

    def _internal(self, alert: Alert) -> bytes:
        pairs = sorted((ref.key, json_value(alert.values.get(ref.key), ref)) for ref in alert.template.extra)
        fields = " ".join(f"{key}={one_line(value).decode()}" for key, value in pairs)
        text = f"{clock(alert.time)}: {alert.priority.label} {escaped(alert.message())}"
        return harmless(f"{text} ({fields})" if fields else text).encode()


FORMAT: Final = FormatDeclaration(
    name="falco",
    summary="Falco's line of text.",
    content_type="text/plain; charset=utf-8",
    build=lambda options: FalcoText(**options.model_dump()),
    settings=TextSettings,
)
