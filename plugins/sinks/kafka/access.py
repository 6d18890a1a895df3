"""Where the brokers are and how mozu proves who it is: settings that the sink and the source share."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from mozu.core.api import Secret, Settings


class KafkaTls(Settings):
    """How connections of the protocols SSL and SASL_SSL are protected; TLS 1.2 is the least."""

    ca: Path | None = Field(
        None, description="Certificates (PEM) of those who may vouch for brokers; by default the system's."
    )
    certificate: Path | None = Field(None, description="mozu's own certificate (PEM, with its chain).")
    key: Path | None = Field(None, description="Its key (PEM), if it is not in the same file.")
    key_password: Secret | None = Field(None, description="What the key is encrypted with.")

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> "KafkaTls":
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs its certificate")
        return self


class Sasl(Settings):
    """What proves who mozu is, with the protocols SASL_PLAINTEXT and SASL_SSL."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-512", description="As the brokers' `sasl.enabled.mechanisms` has it."
    )
    user: str | None = Field(None, min_length=1, description="PLAIN and SCRAM: the name.")
    password: Secret | None = Field(None, description="PLAIN and SCRAM: the password.")
    token: Secret | None = Field(None, description="OAUTHBEARER: a token that does not expire.")
    token_file: Path | None = Field(
        None, description="OAUTHBEARER: a file with the token, read anew for each connection."
    )
    token_url: str | None = Field(
        None, pattern=r"^https?://", description="OAUTHBEARER: where client credentials are exchanged for a token."
    )
    client_id: str | None = Field(None, min_length=1, description="OAUTHBEARER with `token_url`: the client.")
    client_secret: Secret | None = Field(None, description="OAUTHBEARER with `token_url`: its secret.")
    scope: str | None = Field(None, min_length=1, description="OAUTHBEARER with `token_url`: what is asked for.")

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


class Access(Settings):
    """The settings that a client of Kafka cannot do without."""

    servers: tuple[str, ...] = Field(
        ("localhost:9092",), min_length=1, description="Brokers (`host:port`) to ask first; they tell of the others."
    )
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="The brokers' `security.protocol`; by default neither protected nor proved."
    )
    tls: KafkaTls = Field(KafkaTls(), description="How connections of SSL and SASL_SSL are protected.")
    sasl: Sasl | None = Field(None, description="What proves who mozu is; needed with SASL_PLAINTEXT and SASL_SSL.")
    client_id: str = Field("mozu", pattern=r"^[\x21-\x7e]{1,200}$", description="mozu's name in the brokers' logs.")
    timeout: float = Field(15.0, gt=0, le=600, description="Seconds for a request, and for a connection.")

    @field_validator("servers")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            host, colon, port = server.rpartition(":")
            if not (colon and host and "," not in host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise ValueError(f"{server!r} must be a host and a port such as kafka-1.example:9092")
        return value

    @model_validator(mode="after")
    def _sasl_needs_its_protocol(self) -> "Access":
        if self.protocol.startswith("SASL") and self.sasl is None:
            raise ValueError(f"the protocol {self.protocol} needs `sasl`")
        if not self.protocol.startswith("SASL") and self.sasl is not None:
            raise ValueError(f"the protocol {self.protocol} proves nothing by SASL; write SASL_SSL, or remove `sasl`")
        return self
