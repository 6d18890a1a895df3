"""Settings of the source `falco_http`."""

from ipaddress import ip_address

from pydantic import Field, field_validator, model_validator

from mozu.core.api import Secret, Settings
from mozu.core.common.tls import ServerTls


class FalcoHttpSettings(Settings):
    """Where to listen, and to whom."""

    listen: str = Field("127.0.0.1:2801", description="Address and port; an IPv6 address stands in brackets.")
    token: Secret | None = Field(
        None, description="Required of clients: as bearer token, or as password in the URL that Falco posts to."
    )
    tls: ServerTls = Field(ServerTls(), description="TLS of the server.")
    max_bytes: int = Field(1 << 20, ge=1024, description="The most bytes of a request, unpacked.")
    max_pending_alerts: int = Field(
        10_000, ge=1, description="The most alerts that wait to be safe; beyond it clients get 503 with Retry-After."
    )
    response_timeout: float = Field(
        30.0, gt=0, description="Seconds that a client waits for its alerts to be safe before it gets 503."
    )

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (colon and host.strip("[]") and port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError("must be an address and a port such as 127.0.0.1:2801 or [::1]:2801")
        return value

    @model_validator(mode="after")
    def _is_safe(self) -> "FalcoHttpSettings":
        known = self.token is not None or self.tls.client_ca is not None
        if not self.is_loopback() and not (known and self.tls.certificate is not None):
            raise ValueError(
                f"listen: {self.listen} can be reached from other machines, any of which could forge alerts; "
                "set tls.certificate, tls.key, and token or tls.client_ca, or listen on 127.0.0.1"
            )
        return self

    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    def port(self) -> int:
        """The port to listen on; 0: any that is free."""
        return int(self.listen.rpartition(":")[2])

    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ip_address(self.host()).is_loopback
        except ValueError:
            return self.host() == "localhost"
