"""Settings of the HTTP listener: metrics, health and status of a run, for monitoring and `mozu status`."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from mozu.core.api import Secret, Settings
from mozu.core.common.http.listen_address import ListenAddress
from mozu.core.common.tls import ServerTls


class HttpSettings(Settings):
    """The HTTP listener of a run: /metrics, /healthz, /readyz, /versions, /status."""

    listen: str | None = Field(
        None,
        description="Address and port such as 127.0.0.1:18765, or unix:PATH for a socket that only mozu's user may "
        "use; null: nothing listens.",
    )
    token: Secret | None = Field(
        None, description="Required of clients as bearer token, except for /healthz and /readyz."
    )
    tls: ServerTls = Field(ServerTls(), description="TLS of the listener.")
    falco_names: bool = Field(
        False, description="/metrics also has the numbers that dashboards of Falco read, under their names there."
    )
    max_series: int = Field(
        1000, ge=10, le=100_000, description="The most series of one metric; further ones are added up as `(others)`."
    )

    def address(self) -> ListenAddress | None:
        """Return the address to listen on; None without a listener."""
        return None if self.listen is None else ListenAddress.parse(self.listen, unix=True)

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            ListenAddress.parse(value, unix=True)
        return value

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.token is not None and not self.token.get_secret_value():
            raise ValueError("token: an empty token protects nothing; set one of 16 characters or more")
        address = self.address()
        if address is None or address.is_local:
            return self
        if self.tls.certificate is None or (self.token is None and self.tls.client_ca is None):
            raise ValueError(
                f"listen: {self.listen} can be reached from other machines, and what mozu sees is not for all of them; "
                "set tls.certificate, tls.key, and token or tls.client_ca, or listen on 127.0.0.1"
            )
        return self
