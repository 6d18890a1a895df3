"""Sink `smtp`: alerts as mail, several in one message if several wait.

    settings            the configuration
    message             a mail from alerts
    sink                the connection, and the meaning of the server's answers
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
