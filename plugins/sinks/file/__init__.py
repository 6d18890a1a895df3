"""The sink `file`: one alert per line in a file, rotated by size or time, and reopened for logrotate."""

from mozu.core.api import SinkDeclaration, hookimpl
from mozu.plugins.sinks.file.settings import FileSettings
from mozu.plugins.sinks.file.sink import FileSink

__all__ = ["FileSettings", "FileSink", "mozu_sink"]


@hookimpl
def mozu_components() -> SinkDeclaration[FileSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="file",
        build=FileSink,
        settings=FileSettings,
        summary="One alert a line in a file, rotated by size or time.",
        blocking=True,
    )
