"""What the configuration may say about the sink `syslog`."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from mozu.core.api import Secret, Settings

Facility = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
"""In the order of their numbers (RFC 5424, table 1)."""

_LARGEST: Final = {"local": 65_536, "udp": 2_048, "tcp": 65_536, "tls": 65_536}
_PORTS: Final = {"local": 0, "udp": 514, "tcp": 514, "tls": 6514}


class SyslogTls(Settings):
    """How the connection is protected; TLS 1.2 is the least."""

    ca: Path | None = Field(
        None, description="Certificates (PEM) of those who may vouch for the server; by default the system's."
    )
    certificate: Path | None = Field(None, description="mozu's own certificate (PEM, with its chain).")
    key: Path | None = Field(None, description="Its key (PEM), if it is not in the same file.")
    key_password: Secret | None = Field(None, description="What the key is encrypted with.")
    server_name: str | None = Field(None, description="The name in the server's certificate; by default `host`.")

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> "SyslogTls":
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs its certificate")
        return self


class SyslogSettings(Settings):
    """Where to, and in which form."""

    transport: Literal["local", "udp", "tcp", "tls"] = Field(
        "local", description="The local daemon's socket, datagrams, a connection, or one protected by TLS."
    )
    path: Path = Field(Path("/dev/log"), description="Local: the daemon's datagram socket.")
    host: str = Field("localhost", min_length=1, description="Name or address (IPv4 or IPv6) of the receiver.")
    port: int | None = Field(None, ge=1, le=65535, description="Its port; by default 514, with TLS 6514.")
    tls: SyslogTls = Field(SyslogTls(), description="How a connection of the transport `tls` is protected.")
    protocol: Literal["rfc5424", "rfc3164"] | None = Field(
        None, description="The form of messages; by default rfc3164 for the local daemon, else rfc5424."
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
    max_size: int | None = Field(
        None, ge=1024, description="Bytes; longer messages are cut, with a mark. By default 2048 for UDP, else 65536."
    )
    resend: int = Field(
        1000, ge=0, description="Connections: how many of the last messages are sent again after one that broke."
    )
    timeout: float = Field(10.0, gt=0, description="Seconds without progress after which a try is given up.")

    @property
    def port_number(self) -> int:
        """The port, with its default."""
        return self.port or _PORTS[self.transport]

    @property
    def is_rfc5424(self) -> bool:
        """Which form messages have."""
        return self.protocol == "rfc5424" or (self.protocol is None and self.transport != "local")

    @property
    def largest(self) -> int:
        """Bytes of a message at most."""
        return self.max_size or _LARGEST[self.transport]
