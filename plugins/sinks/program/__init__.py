"""The sink `program`: one alert per line on the standard input of a command."""

from mozu.core.api import SinkDeclaration, hookimpl
from mozu.plugins.sinks.program.sink import ProgramSettings, ProgramSink

__all__ = ["ProgramSettings", "ProgramSink", "mozu_sink"]


@hookimpl
def mozu_components() -> SinkDeclaration[ProgramSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="program",
        build=ProgramSink,
        settings=ProgramSettings,
        summary="One alert a line on the standard input of a command.",
    )
