"""Sink `smtp`: alerts as mail, several in one where several wait.

    settings            what may be configured
    message             a mail from alerts
    sink                the connection, and what the server's answers mean
"""

from mozu.core.api import Context, SinkDeclaration, hookimpl
from mozu.plugins.sinks.smtp.settings import SmtpSettings
from mozu.plugins.sinks.smtp.sink import SmtpSink, build

__all__ = ["SmtpSettings", "SmtpSink", "mozu_components"]


def _build(settings: SmtpSettings, context: Context) -> SmtpSink:
    return build(settings, context)


@hookimpl
def mozu_components() -> SinkDeclaration[SmtpSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="smtp",
        build=_build,
        settings=SmtpSettings,
        summary="Mail by SMTP, several alerts in one message where several wait.",
        blocking=True,
    )
