"""Settings of the sink `s3`."""

import re
from typing import Final, Literal, Self

from pydantic import ByteSize, Field, field_validator, model_validator
from yarl import URL

from mozu.core.api import Secret, Settings
from mozu.core.common.tls import ClientTls
from mozu.plugins.sinks.s3.object_key import PARTS

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
"""Names that any storage allows; AWS allows fewer."""
_HEADER: Final = re.compile(r"x-amz-[a-z0-9-]+")
_VALUE: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
_OWN_HEADERS: Final = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})
_REFERENCE: Final = re.compile(r"\{([^{}]*)\}")
_MAX_PREFIX: Final = 700
"""Most characters of the prefix; a key may have 1024 bytes, and the name of an object follows the prefix."""


class S3Settings(Settings):
    """Settings of the sink `s3`."""

    bucket: str = Field(description="The bucket; it must exist.")
    region: str = Field("us-east-1", pattern=r"^[A-Za-z0-9-]{1,64}$", description="The region that requests name.")
    endpoint: str | None = Field(
        None, description="A storage that is not AWS (`https://minio.example:9000`); by default AWS in the region."
    )
    addressing: Literal["virtual", "path"] | None = Field(
        None,
        description="The bucket as a part of the host's name (virtual) or of the path (path); "
        "by default virtual for AWS, path with an `endpoint`.",
    )
    access_key: Secret = Field(description="Id of the access key.")
    secret_key: Secret = Field(description="The secret of the access key.")
    session_token: Secret | None = Field(None, description="Of temporary credentials.")
    prefix: str = Field(
        "mozu/{year}/{month}/{day}/{hour}/",
        description="What keys begin with; {year}, {month}, {day}, {hour} (UTC), {date} (2026-11-28) and {agent} are "
        "those of the alerts.",
    )
    gzip: bool = Field(True, description="Compress objects.")
    batch_records: int = Field(500, ge=1, le=500, description="The most alerts in an object.")
    batch_bytes: ByteSize = Field(
        ByteSize(8 << 20), ge=1, le=1 << 30,
        description="The most bytes in an object, uncompressed, unless one alert has more.",
    )
    linger: float = Field(
        5.0,
        ge=0,
        le=300,
        description="Seconds between two objects of fewer than `batch_records` alerts; a stop waits for them, too, "
        "within `stop_deadline`.",
    )
    headers: dict[str, Secret] = Field(
        {}, description="More headers of each object, `x-amz-…`: storage class, encryption, canned ACL, tagging; their "
        "values never print.",
    )  # fmt: skip
    connect_timeout: float = Field(5.0, gt=0, le=300, description="Seconds to connect, TLS included.")
    timeout: float = Field(60.0, gt=0, le=600, description="Seconds for a request as a whole.")
    tls: ClientTls = Field(ClientTls(), description="TLS of connections to an https endpoint.")

    @field_validator("bucket")
    @classmethod
    def _is_a_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value) or ".." in value:
            raise ValueError("must be the name of a bucket such as mozu-alerts")
        return value

    @field_validator("endpoint")
    @classmethod
    def _is_an_endpoint(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = URL(value)
            good = url.scheme in ("http", "https") and bool(url.host) and url.port is not None and url.user is None
        except ValueError:
            good = False
        if not good or url.path not in ("", "/") or url.query_string or url.fragment:
            raise ValueError("must be a URL such as https://minio.example:9000, without a path")
        return value

    @field_validator("access_key", "secret_key", "session_token")
    @classmethod
    def _is_one_line(cls, value: Secret | None) -> Secret | None:
        if value is not None and not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("must be one line of ASCII without spaces, and not empty")
        return value

    @field_validator("prefix")
    @classmethod
    def _is_a_prefix(cls, value: str) -> str:
        unknown = [name for name in _REFERENCE.findall(value) if name not in PARTS]
        if unknown or set(_REFERENCE.sub("", value)) & set("{}"):
            raise ValueError(f"may refer to {', '.join(f'{{{part}}}' for part in PARTS)} only")
        if value.startswith("/") or "//" in value or not value.isprintable():
            raise ValueError("must be such as mozu/{date}/: no / at its beginning, no // and no control characters")
        if {".", ".."} & set(value.split("/")):
            raise ValueError("must have no steps . and .., which some clients take for a path's")
        if len(value.encode("utf-8", "replace")) > _MAX_PREFIX:
            raise ValueError(f"must have {_MAX_PREFIX} bytes at most")
        return value

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, value: dict[str, Secret]) -> dict[str, Secret]:
        for name, content in value.items():
            if not _HEADER.fullmatch(name) or name in _OWN_HEADERS:
                raise ValueError(f"{name!r} must be a header such as x-amz-storage-class, in small letters")
            if not _VALUE.fullmatch(content.get_secret_value()):
                raise ValueError(f"the header {name} must be one line of ASCII")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.style() == "virtual" and "." in self.bucket and self.base().scheme == "https":
            raise ValueError(
                f"no certificate is for {self.bucket}.{self.base().host}, because of the dots; use `addressing: path`"
            )
        return self

    def style(self) -> Literal["virtual", "path"]:
        """Return the addressing of the bucket."""
        return self.addressing or ("virtual" if self.endpoint is None else "path")

    def base(self) -> URL:
        """Return the storage's URL."""
        return URL(self.endpoint or f"https://s3.{self.region}.amazonaws.com")

    def secrets(self) -> list[str]:
        """Return all values that must not be logged."""
        keys = [value for name, value in self.headers.items() if "key" in name]
        held = (self.access_key, self.secret_key, self.session_token, self.tls.key_password, *keys)
        return [item.get_secret_value() for item in held if item is not None]
