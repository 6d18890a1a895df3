"""Settings of mozu's own log."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from mozu.core.api import Settings

Level = Literal["debug", "info", "warning", "error"]


class LogSettings(Settings):
    """The log of mozu itself: destination, form and level."""

    level: Level = Field("info", description="The least severe message that is printed.")
    levels: dict[str, Level] = Field(
        {},
        description="The same for components such as `sink`, `sink.siem`, `engine`; the longest name holds.",
    )
    to: Literal["stderr", "journald", "syslog"] = Field("stderr", description="Where messages go.")
    form: Literal["plain", "text", "json"] = Field(
        "plain",
        description="On stderr and to syslog: the message alone, with time, level and component, or these as JSON.",
    )
    socket: Path | None = Field(
        None, description="The socket of the journal or of the syslog daemon; by default the system's."
    )

    @field_validator("levels")
    @classmethod
    def _are_components(cls, value: dict[str, Level]) -> dict[str, Level]:
        for name in value:
            if not all(part.replace("-", "_").isidentifier() or part.isdigit() for part in name.split(".")):
                raise ValueError(f"{name!r} is no name of a component such as sink.siem")
        return value
