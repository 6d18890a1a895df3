"""The sink `program`: one alert a line on the standard input of a command."""

from mozu.core.api import Declaration, hookimpl
from mozu.plugins.sinks.program.sink import ProgramSettings, ProgramSink

__all__ = ["ProgramSettings", "ProgramSink", "mozu_sink"]


@hookimpl
def mozu_sink() -> Declaration:
    """Declare the sink."""
    return Declaration(
        name="program",
        build=ProgramSink,
        settings=ProgramSettings,
        summary="One alert a line on the standard input of a command.",
    )
