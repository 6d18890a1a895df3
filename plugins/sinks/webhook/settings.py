"""What the configuration may say about the sink `webhook`."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator
from yarl import URL

from mozu.core.api import Secret, Settings
from mozu.plugins.sinks.webhook.addresses import Network, inward, literal
from mozu.plugins.sinks.webhook.shipped import SHIPPED, Batch, TemplateName
from mozu.plugins.sinks.webhook.signature import key
from mozu.plugins.sinks.webhook.template import BodyTemplate, parse

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS: Final = frozenset(
    {
        "authorization", "connection", "content-encoding", "content-length", "content-type", "host",
        "transfer-encoding", "webhook-id", "webhook-signature", "webhook-timestamp",
    }
)  # fmt: skip
"""Headers that follow from other settings."""


class WebhookTls(Settings):
    """How a connection to an https URL is protected."""

    ca: Path | None = Field(
        None, description="Certificates (PEM) of those who may vouch for the server; by default the system's."
    )
    certificate: Path | None = Field(None, description="mozu's own certificate (PEM, with its chain).")
    key: Path | None = Field(None, description="Its key (PEM), if it is not in the same file.")
    key_password: Secret | None = Field(None, description="What the key is encrypted with.")
    min_version: Literal["1.2", "1.3"] = Field("1.2", description="The oldest version of TLS that will do.")

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> "WebhookTls":
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs its certificate")
        return self


class WebhookSettings(Settings):
    """Where to, in which form, and with which proofs."""

    url: Secret = Field(description="Where requests go, http or https; it never prints, since it often holds a token.")
    method: Literal["POST", "PUT"] = Field("POST", description="The method of requests.")
    template: TemplateName | None = Field(
        None, description="A body that ships; without one, and without `body`, alerts go as `format` writes them."
    )
    body: dict[str, Any] | list[Any] | str | None = Field(
        None, description="A body of your own: JSON whose texts may hold references such as `$${rule}`."
    )
    body_file: Path | None = Field(None, description="The same in a file of JSON, with `${rule}`.")
    batch: Batch | None = Field(
        None,
        description="One alert a request (single), several as one JSON array (array) or a line each (ndjson); "
        "by default what the template's receiver takes, else array.",
    )
    batch_records: int = Field(100, ge=1, le=500, description="The most alerts in a request.")
    batch_bytes: int = Field(1 << 20, ge=1, description="The most bytes in a request, unless one alert has more.")
    concurrency: int = Field(
        1, ge=1, le=64, description="Requests at the same time; with more than one, alerts may arrive out of order."
    )
    content_type: str | None = Field(
        None, pattern=r"^[ -~]+$", description="The media type of bodies; by default what `batch` and the body say."
    )
    headers: dict[str, Secret] = Field({}, description="More headers; their values never print.")
    token: Secret | None = Field(None, description="Goes into the header `Authorization`, after `token_scheme`.")
    token_scheme: str | None = Field(
        None, pattern=r"^[!-~]+$", description="By default Bearer, with the template splunk_hec Splunk."
    )
    user: str | None = Field(None, description="Name for basic authentication.")
    password: Secret | None = Field(None, description="Password for basic authentication.")
    signing_secrets: tuple[Secret, ...] = Field(
        (), description="Sign as Standard Webhooks says, with each of these (`whsec_…`): several while one is replaced."
    )
    gzip: bool = Field(False, description="Compress bodies.")
    proxy: Secret | None = Field(None, description="A proxy (http URL) to go through; it resolves the name then.")
    proxy_from_environment: bool = Field(
        False, description="Take the proxy from `http_proxy`, `https_proxy` and `no_proxy`."
    )
    connect_timeout: float = Field(5.0, gt=0, le=300, description="Seconds to connect, TLS included.")
    timeout: float = Field(15.0, gt=0, le=600, description="Seconds for a request as a whole.")
    circuit_failures: int = Field(5, ge=1, description="Failures in a row after which the endpoint is left alone.")
    circuit_seconds: float = Field(10.0, gt=0, le=3600, description="For so long; then one request probes.")
    response_bytes: int = Field(1 << 16, ge=0, description="The most that is read of an answer.")
    allow_private: bool = Field(
        False, description="Permit loopback and private addresses; link-local and metadata ones need `allow`."
    )
    allow: tuple[str, ...] = Field((), description="Networks and addresses that are permitted wherever they lead.")
    tls: WebhookTls = Field(WebhookTls(), description="How a connection to an https URL is protected.")

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: Secret) -> Secret:
        if address(value).user is not None or address(value).password is not None:
            raise ValueError("must not hold a name or password; write `user` and `password`")
        return value

    @field_validator("proxy")
    @classmethod
    def _is_a_proxy(cls, value: Secret | None) -> Secret | None:
        if value is not None and address(value).scheme != "http":
            raise ValueError("must be a URL such as http://host:port")
        return value

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, value: dict[str, Secret]) -> dict[str, Secret]:
        for name, content in value.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header")
            if name.lower() in _OURS:
                raise ValueError(f"the header {name} follows from other settings; remove it here")
            _one_line(f"the header {name}", content)
        return value

    @field_validator("token", "password")
    @classmethod
    def _is_one_line(cls, value: Secret | None) -> Secret | None:
        if value is not None:
            _one_line("it", value)
        return value

    @field_validator("signing_secrets")
    @classmethod
    def _are_keys(cls, value: tuple[Secret, ...]) -> tuple[Secret, ...]:
        for secret in value:
            key(secret.get_secret_value())
        return value

    @field_validator("allow")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError as error:
                raise ValueError(f"{error}; write 10.0.0.0/8, 192.0.2.7 or fd00::/8") from None
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> "WebhookSettings":
        bodies = [name for name in ("template", "body", "body_file") if getattr(self, name) is not None]
        if len(bodies) > 1:
            raise ValueError(f"{' and '.join(bodies)} exclude each other; keep one")
        if self.token is not None and self.user is not None:
            raise ValueError("token and user exclude each other; keep one")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password need each other")
        if self.user is not None and ":" in self.user:
            raise ValueError("user must not hold a colon")
        if self.proxy is not None and self.proxy_from_environment:
            raise ValueError("proxy and proxy_from_environment exclude each other; keep one")
        self._check_batch()
        self._check_address()
        self.parsed_body()
        return self

    def _check_batch(self) -> None:
        if self.template is not None and self.batch is not None:
            possible = SHIPPED[self.template].batches
            if self.batch not in possible:
                raise ValueError(f"the receiver of the template {self.template} takes {' or '.join(possible)} as batch")

    def _check_address(self) -> None:
        """An address that is written as one can be judged before anything is sent."""
        found = literal(address(self.url).host or "")
        reason = None if found is None else inward(found, allow_private=self.allow_private, allow=self.networks())
        if reason is not None:
            raise ValueError(f"url: {reason}")

    def parsed_body(self) -> BodyTemplate | None:
        """The template; None: alerts go as `format` writes them. Raises ValueError."""
        if self.template is not None:
            return parse(SHIPPED[self.template].body)
        if self.body_file is not None:
            try:
                return parse(self.body_file.read_bytes())
            except OSError as error:
                raise ValueError(f"body_file: {self.body_file} cannot be read: {error.strerror}") from None
        return None if self.body is None else parse(self.body)

    def batch_kind(self) -> Batch:
        """How alerts share a request."""
        if self.batch is not None:
            return self.batch
        return "array" if self.template is None else SHIPPED[self.template].batches[0]

    def scheme(self) -> str:
        """The word before the token."""
        return self.token_scheme or ("Bearer" if self.template is None else SHIPPED[self.template].token_scheme)

    def networks(self) -> tuple[Network, ...]:
        """What is permitted by name."""
        return tuple(ip_network(text) for text in self.allow)

    def secrets(self) -> list[str]:
        """Everything that must not print."""
        url = address(self.url)
        proxy = None if self.proxy is None else address(self.proxy)
        held = [*self.headers.values(), *self.signing_secrets, self.token, self.password, self.tls.key_password]
        return [
            *(item.get_secret_value() for item in held if item is not None),
            str(url),
            *(part for part in (url.raw_path, url.path, url.raw_query_string, *url.query.values()) if part != "/"),
            *([] if proxy is None or proxy.password is None else [proxy.password]),
        ]


def address(value: Secret) -> URL:
    """The URL in a secret. Raises ValueError without the secret in its text."""
    try:
        url = URL(value.get_secret_value())
        good = url.scheme in ("http", "https") and url.port is not None and _is_host(url.host or "")
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be a URL such as https://host:port/path")
    return url


def _is_host(host: str) -> bool:
    """Not empty, and not one of the numbers that some resolvers take for an address (`127.1`)."""
    return bool(host) and not (host.replace(".", "").isdigit() and literal(host) is None)


def _one_line(what: str, value: Secret) -> None:
    if any(character < " " or character == "\x7f" for character in value.get_secret_value()):
        raise ValueError(f"{what} must be one line without control characters")
