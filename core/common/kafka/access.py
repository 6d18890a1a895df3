"""Settings of every Kafka client: bootstrap servers, security protocol, TLS and SASL."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from mozu.core.api import Settings
from mozu.core.api.secret import Secret
from mozu.core.common.tls import ClientTls


class Sasl(Settings):
    """Authentication with the security protocols SASL_PLAINTEXT and SASL_SSL."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-512", description="As the brokers' `sasl.enabled.mechanisms` has it."
    )
    user: str | None = Field(None, min_length=1, description="PLAIN and SCRAM: the user name.")
    password: Secret | None = Field(None, description="PLAIN and SCRAM: the password.")
    token: Secret | None = Field(None, description="OAUTHBEARER: a token that does not expire.")
    token_file: Path | None = Field(
        None, description="OAUTHBEARER: a file with the token, read again for each connection."
    )
    token_url: str | None = Field(
        None, pattern=r"^https?://", description="OAUTHBEARER: where client credentials are exchanged for a token."
    )
    client_id: str | None = Field(None, min_length=1, description="OAUTHBEARER with `token_url`: the client.")
    client_secret: Secret | None = Field(None, description="OAUTHBEARER with `token_url`: its secret.")
    scope: str | None = Field(None, min_length=1, description="OAUTHBEARER with `token_url`: the requested scope.")

    @model_validator(mode="after")
    def _fits_the_mechanism(self) -> "Sasl":
        if self.mechanism != "OAUTHBEARER":
            if self.user is None or self.password is None:
                raise ValueError(f"{self.mechanism} needs user and password")
            return self
        ways = [name for name in ("token", "token_file", "token_url") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError("OAUTHBEARER needs one of token, token_file and token_url")
        if self.token_url is not None and (self.client_id is None or self.client_secret is None):
            raise ValueError("token_url needs client_id and client_secret")
        return self


class KafkaAccess(Settings):
    """The settings that every client of Kafka needs; base of the settings of sink and source."""

    bootstrap_servers: tuple[str, ...] = Field(
        ("localhost:9092",),
        min_length=1,
        description="Brokers (`host:port`) to ask first; they name the others. "
        "One text may name several, with commas between.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="The brokers' `security.protocol`; by default neither encrypted nor authenticated."
    )
    tls: ClientTls = Field(ClientTls(), description="TLS of connections of SSL and SASL_SSL.")
    sasl: Sasl | None = Field(None, description="Authentication; needed with SASL_PLAINTEXT and SASL_SSL.")
    client_id: str = Field("mozu", pattern=r"^[\x21-\x7e]{1,200}$", description="mozu's name in the brokers' logs.")
    timeout: float = Field(15.0, gt=0, le=600, description="Seconds for a request, and for a connection.")

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def _one_text_is_a_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            host, colon, port = server.rpartition(":")
            if not (colon and host and "," not in host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise ValueError(f"{server!r} must be a host and a port such as kafka-1.example:9092")
        return value

    @model_validator(mode="after")
    def _sasl_needs_its_protocol(self) -> "KafkaAccess":
        protocol = self.security_protocol
        if protocol.startswith("SASL") and self.sasl is None:
            raise ValueError(f"the security protocol {protocol} needs `sasl`")
        if not protocol.startswith("SASL") and self.sasl is not None:
            raise ValueError(f"the security protocol {protocol} does not use `sasl`; write SASL_SSL, or remove `sasl`")
        return self
