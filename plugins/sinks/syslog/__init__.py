"""The sink `syslog`: to the local daemon, or over UDP, TCP or TLS; RFC 5424 and RFC 3164."""

from mozu.core.api import SinkDeclaration, hookimpl
from mozu.plugins.sinks.syslog.settings import SyslogSettings
from mozu.plugins.sinks.syslog.sink import SyslogSink

__all__ = ["SyslogSettings", "SyslogSink", "mozu_sink"]


@hookimpl
def mozu_components() -> SinkDeclaration[SyslogSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="syslog",
        build=SyslogSink,
        settings=SyslogSettings,
        summary="Syslog messages to the local daemon, or over UDP, TCP or TLS (RFC 5424, RFC 3164).",
    )
