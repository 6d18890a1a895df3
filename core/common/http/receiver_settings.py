"""Settings of a source that receives over HTTP: address, clients, TLS, limits."""

from typing import ClassVar, Literal

from pydantic import ByteSize, Field, field_validator, model_validator

from mozu.core.api import Secret, Settings
from mozu.core.common.http.listen_address import ListenAddress
from mozu.core.common.tls import ServerTls


class ReceiverSettings(Settings):
    """Settings of a receiver. A class of a source sets `NOUN` and gives `listen` a default, if it has one."""

    NOUN: ClassVar[str]
    """The plural of what clients send: `alerts`."""
    PORT_HINT: ClassVar[str] = ""
    """Words in brackets about another program that has the same default port."""

    listen: str | None = Field(None, description="Address and port; an IPv6 address stands in brackets.")
    token: Literal["none"] | Secret | None = Field(
        None,
        union_mode="left_to_right",
        description="Required of clients: as bearer token, or as password in the URL to which they post. The text "
        "`none` lets every program of this machine send.",
    )
    tokens: dict[str, Secret] = Field({}, description="More tokens, by the name of the client that has it.")
    tls: ServerTls = Field(ServerTls(), description="TLS of the server.")
    max_bytes: ByteSize = Field(ByteSize(1 << 20), ge=1024, description="The most bytes of a request, unpacked.")
    response_timeout: float = Field(
        30.0, gt=0, description="Seconds that a client waits until what it sent is safe before it gets 503."
    )
    read_timeout: float = Field(
        10.0, gt=0, description="Seconds for the TLS handshake, for the headers of a request, and for its body."
    )
    max_connections: int = Field(
        512, ge=1, description="The most connections; at most half of the descriptors that the process may have."
    )
    max_connections_per_peer: int = Field(
        128, ge=1, description="The most connections from one address (IPv6: from one /64 network)."
    )
    rate: float = Field(
        10_000.0, gt=0, description="Alerts or events a second that each token may send, ten seconds' worth at once; "
        "then 429.",
    )  # fmt: skip
    quota: int | None = Field(
        None, ge=1, description="Alerts or events that each token may send on one day (UTC); then 429. By default "
        "without bound.",
    )  # fmt: skip

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            ListenAddress.parse(value)
        return value

    @model_validator(mode="after")
    def _is_safe(self) -> "ReceiverSettings":
        if self.listen is None:
            return self
        secrets = self.secrets()
        if not all(secrets.values()):
            raise ValueError("token: an empty token protects nothing; set one of 16 characters or more")
        if self.token == "none" and self.tokens:
            raise ValueError("token: `none` lets everything in, so `tokens` has no effect; leave one of them out")
        known = bool(secrets) or self.tls.client_ca is not None
        if not self.address().is_local and not (known and self.tls.certificate is not None):
            raise ValueError(
                f"listen: {self.listen} can be reached from other machines, any of which could forge {self.NOUN}; "
                "set tls.certificate, tls.key, and token or tls.client_ca, or listen on 127.0.0.1"
            )
        if not known and self.token != "none":
            raise ValueError(
                f"token: without one every program of this machine could forge {self.NOUN}; set `token: {{env: NAME}}` "
                "or {file: PATH}, or tls.client_ca, or write `token: none` to allow it"
            )
        return self

    def secrets(self) -> dict[str, bytes]:
        """Return tokens by name of the client; empty if none is required."""
        named = dict(self.tokens)
        if isinstance(self.token, Secret):
            named["token"] = self.token
        return {name: secret.get_secret_value().encode() for name, secret in named.items()}

    def address(self) -> ListenAddress:
        """Return the address to listen on."""
        return ListenAddress.parse(self.listen or "")
