"""The setting `registry` of the sink `kafka`."""

from typing import Literal

from pydantic import Field, model_validator

from mozu.core.api import Settings
from mozu.core.api.secret import Secret
from mozu.core.common.tls import ClientTls


class RegistrySettings(Settings):
    """Settings of a schema registry, and the serialization of records by its schemas."""

    url: str = Field(
        pattern=r"^https?://[^@?#\s]+$", description="The root of the registry's API (Confluent's): "
        "`https://registry.example:8081`; of Apicurio `https://HOST:PORT/apis/ccompat/v7`.",
    )  # fmt: skip
    serialization: Literal["json", "avro", "protobuf"] = Field(
        "json", description="What a record is after the schema's id. `avro` and `protobuf` are for the format `json`."
    )
    subject: Literal["topic", "record", "topic_record"] = Field(
        "topic", description="The subject that the schema is registered under: `TOPIC-value`, the record's name, or "
        "`TOPIC-NAME` (TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy).",
    )  # fmt: skip
    auto_register: bool = Field(
        True, description="Register the schema where it is missing. If false, alerts wait until it is registered."
    )
    compatibility: (
        Literal["BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE"]
        | None
    ) = Field(
        None, description="The subject's compatibility level, set before the schema is registered; by default it is "
        "left as it is.",
    )  # fmt: skip
    user: str | None = Field(None, min_length=1, description="The user name of basic authentication.")
    password: Secret | None = Field(None, description="Its password.")
    token: Secret | None = Field(None, description="A bearer token, instead of a user.")
    tls: ClientTls = Field(ClientTls(), description="TLS of connections to the registry.")
    timeout: float = Field(5.0, gt=0, le=60, description="Seconds for a request, and for a connection.")

    @model_validator(mode="after")
    def _fits_together(self) -> "RegistrySettings":
        if (self.user is None) != (self.password is None):
            raise ValueError("registry: user and password need each other")
        if self.user is not None and self.token is not None:
            raise ValueError("registry: set user and password, or token, not both")
        if self.compatibility is not None and not self.auto_register:
            raise ValueError("registry: compatibility needs `auto_register: true`")
        return self
