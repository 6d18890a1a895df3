"""Settings of the sink `syslog`."""

from pathlib import Path
from typing import Final, Literal

from pydantic import ByteSize, Field

from mozu.core.api import Settings
from mozu.core.common.tls import ClientTls

Facility = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
"""Names of facilities in the order of their numbers (RFC 5424, table 1)."""

_MAX_SIZES: Final = {"local": 65_536, "udp": 2_048, "tcp": 65_536, "tls": 65_536}
_PORTS: Final = {"local": 0, "udp": 514, "tcp": 514, "tls": 6514}


class SyslogTls(ClientTls):
    """TLS settings of the transport `tls`."""

    server_name: str | None = Field(None, description="The name in the server's certificate; by default `host`.")


class SyslogSettings(Settings):
    """Settings of the sink `syslog`."""

    transport: Literal["local", "udp", "tcp", "tls"] = Field(
        "local", description="The local daemon's socket, datagrams, a connection, or one protected by TLS."
    )
    path: Path = Field(Path("/dev/log"), description="Local: the daemon's datagram socket.")
    host: str = Field("localhost", min_length=1, description="Name or address (IPv4 or IPv6) of the receiver.")
    port: int | None = Field(None, ge=1, le=65535, description="Its port; by default 514, with TLS 6514.")
    tls: SyslogTls = Field(SyslogTls(), description="TLS of the transport `tls`.")
    protocol: Literal["rfc5424", "rfc3164"] | None = Field(
        None, description="The format of messages; by default rfc3164 for the local daemon, else rfc5424."
    )
    framing: Literal["octets", "lines"] = Field(
        "octets", description="Connections: each message after its length (RFC 6587, RFC 5425), or before a line end."
    )
    facility: Facility = Field("local0", description="The facility of all messages; the severity is the alert's.")
    app_name: str = Field(
        "mozu", pattern=r"^[!-~]{1,48}$", description="The name of the program in messages: printable ASCII, no space."
    )
    hostname: str | None = Field(None, description="The name of the host in messages; by default the alert's.")
    enterprise: int = Field(
        32473, ge=1, description="IANA enterprise number in the structured data's name; 32473 is the one for examples."
    )
    bom: bool = Field(False, description="RFC 5424: mark the text as UTF-8 by a byte order mark.")
    max_size: ByteSize | None = Field(
        None,
        ge=1024,
        description="Bytes; longer messages are truncated, with a mark. By default 2048 for UDP, else 65536.",
    )
    resend: int = Field(
        1000, ge=0, description="Connections: how many of the last messages are sent again after one that broke."
    )
    timeout: float = Field(10.0, gt=0, description="Seconds without progress after which an attempt is given up.")

    @property
    def port_number(self) -> int:
        """The port, or its default."""
        return self.port or _PORTS[self.transport]

    @property
    def destination(self) -> str:
        """The receiver's address, for messages to users."""
        return str(self.path) if self.transport == "local" else f"{self.host}, port {self.port_number},"

    @property
    def is_rfc5424(self) -> bool:
        """True if messages have the format of RFC 5424."""
        return self.protocol == "rfc5424" or (self.protocol is None and self.transport != "local")

    @property
    def message_limit(self) -> int:
        """Most bytes of a message."""
        return self.max_size or _MAX_SIZES[self.transport]
