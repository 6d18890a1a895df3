"""Settings of the sink `webhook`."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import ByteSize, Field, field_serializer, field_validator, model_validator
from yarl import URL

from mozu.core.api import Secret, Settings, Severity
from mozu.core.common.oauth import ClientCredentials, ServiceAccount
from mozu.core.common.tls import ClientTls
from mozu.plugins.sinks.webhook.body_template import BodyTemplate, compiled, parse
from mozu.plugins.sinks.webhook.private_addresses import Network, literal_address, ssrf_refusal
from mozu.plugins.sinks.webhook.signature import key
from mozu.plugins.sinks.webhook.templates import BUILTIN_TEMPLATES, BatchFormat, BuiltinTemplate, Levels, TemplateName
from mozu.plugins.sinks.webhook.templates.builtin_template import CRITICAL_WARNING_INFORMATION

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED_HEADERS: Final = frozenset(
    {
        "authorization", "connection", "content-encoding", "content-length", "content-type", "host",
        "transfer-encoding", "webhook-id", "webhook-signature", "webhook-timestamp",
    }
)  # fmt: skip
"""Headers that follow from other settings."""



Priority = Literal["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"]
_PRIORITIES: Final[dict[Severity, Priority]] = dict(zip(Severity, get_args(Priority), strict=True))
_CREDENTIAL: Final = re.compile(r"key|token|secret|passw|auth|credential", re.IGNORECASE)


class WebhookTls(ClientTls):
    """TLS settings with an option to accept certificates without an authority."""

    verify: bool = Field(
        True, description="False: every certificate is accepted, so what is on the way can read alerts and credentials."
    )

    @model_validator(mode="after")
    def _means_one_thing(self) -> "WebhookTls":
        if not self.verify and self.ca is not None:
            raise ValueError("ca means nothing with `verify: false`; remove one of them")
        return self


class WebhookSettings(Settings):
    """Settings of the sink `webhook`."""

    url: Secret = Field(description="Where requests go, http or https; it never prints, since it often holds a token.")
    method: Literal["POST", "PUT"] = Field("POST", description="The method of requests.")
    template: TemplateName | None = Field(
        None, description="A body that ships; without one, and without `body`, alerts go as `format` writes them."
    )
    body: dict[str, Any] | list[Any] | str | None = Field(
        None, description="A body of your own: JSON whose texts may hold references such as `$${rule}`."
    )
    body_file: Path | None = Field(None, description="The same in a file of JSON, with `${rule}`.")
    body_secrets: dict[str, Secret] = Field(
        {}, description="Secrets that the body refers to as `$${secret.NAME}`; their values never print."
    )
    levels: dict[Priority, str] = Field(
        {}, description="What `$${level}` is for which priority, where it is not the word that the template has."
    )
    index: str = Field(
        "", pattern=r"^[^\x00-\x1f\x7f]*$",
        description="With the template elasticsearch: the index or data stream, such as `mozu-alerts-$${date}`; "
        "by default mozu-alerts.",
    )  # fmt: skip
    batch: BatchFormat | None = Field(
        None,
        description="One alert a request (single), several as one JSON array (array) or a line each (ndjson); "
        "by default what the template's receiver takes, else array.",
    )
    batch_records: int = Field(100, ge=1, le=500, description="The most alerts in a request.")
    batch_bytes: ByteSize = Field(
        ByteSize(1 << 20), ge=1, description="The most bytes in a request, unless one alert has more."
    )
    concurrency: int = Field(
        1, ge=1, le=64, description="Requests at the same time; with more than one, alerts may arrive out of order."
    )
    content_type: str | None = Field(
        None, pattern=r"^[ -~]+$", description="The media type of bodies; by default what `batch` and the body say."
    )
    headers: dict[str, Secret] = Field({}, description="More headers; their values never print.")
    token: Secret | None = Field(None, description="Goes into the header `Authorization`, after `token_scheme`.")
    token_scheme: str | None = Field(
        None, pattern=r"^[!-~]+$", description="By default Bearer, with the templates splunk_hec and splunk_cim Splunk."
    )
    user: str | None = Field(None, description="Name for basic authentication.")
    password: Secret | None = Field(None, description="Password for basic authentication.")
    oauth: ClientCredentials | None = Field(
        None, description="Client credentials of OAuth 2.0: the token is fetched, and renewed before it expires."
    )
    service_account: ServiceAccount | None = Field(
        None, description="A service account of Google Cloud: its key signs requests for tokens, which are renewed."
    )
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
    circuit_failures: int = Field(
        5, ge=1, description="Circuit breaker: failures in a row after which nothing is sent for a while."
    )
    circuit_seconds: float = Field(
        10.0, gt=0, le=3600, description="Circuit breaker: seconds until one request probes the endpoint."
    )
    response_bytes: ByteSize = Field(ByteSize(1 << 16), ge=0, description="The most bytes that are read of a response.")
    allow_private: bool = Field(
        False,
        description="SSRF guard: permit loopback and private addresses; link-local and metadata ones need `allow`.",
    )
    allow: tuple[str, ...] = Field(
        (), description="SSRF guard: networks and addresses that are permitted whatever they are."
    )
    tls: WebhookTls = Field(WebhookTls(), description="TLS of connections to an https URL.")

    @field_serializer("body")
    def _without_credentials(self, body: dict[str, Any] | list[Any] | str | None) -> object:
        """Return the body with credentials masked, which might be printed."""
        return _hidden(body)

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
            if name.lower() in _RESERVED_HEADERS:
                raise ValueError(f"the header {name} follows from other settings; remove it here")
            _check_single_line(f"the header {name}", content)
        return value

    @field_validator("token", "password")
    @classmethod
    def _is_check_single_line(cls, value: Secret | None) -> Secret | None:
        if value is not None:
            _check_single_line("it", value)
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

    def files_read(self) -> tuple[Path, ...]:
        """Return the paths of the body and of the TLS files."""
        return (*super().files_read(), *([] if self.body_file is None else [self.body_file]))

    @model_validator(mode="after")
    def _fit_together(self) -> "WebhookSettings":
        bodies = [name for name in ("template", "body", "body_file") if getattr(self, name) is not None]
        if len(bodies) > 1:
            raise ValueError(f"{' and '.join(bodies)} exclude each other; keep one")
        given = [name for name in ("token", "user", "oauth", "service_account") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password need each other")
        if self.user is not None and ":" in self.user:
            raise ValueError("user must not hold a colon")
        if self.proxy is not None and self.proxy_from_environment:
            raise ValueError("proxy and proxy_from_environment exclude each other; keep one")
        if self.index and (self.builtin is None or self.builtin.action is None):
            raise ValueError("index means nothing without the template elasticsearch; remove it")
        self._check_batch()
        self._check_address()
        self.parsed_body()
        self.parsed_action()
        return self

    def _check_batch(self) -> None:
        if self.template is not None and self.batch is not None:
            possible = BUILTIN_TEMPLATES[self.template].batches
            if self.batch not in possible:
                raise ValueError(f"the receiver of the template {self.template} takes {' or '.join(possible)} as batch")

    def _check_address(self) -> None:
        """Raise ValueError if the SSRF guard refuses a host that is written as an address, before anything is sent."""
        found = literal_address(address(self.url).host or "")
        reason = None if found is None else ssrf_refusal(found, allow_private=self.allow_private, allow=self.networks())
        if reason is not None:
            raise ValueError(f"url: {reason}")

    def parsed_body(self) -> BodyTemplate | None:
        """Return the template; None if alerts are sent in their format. Raises ValueError."""
        secrets = {name: secret.get_secret_value() for name, secret in self.body_secrets.items()}
        if self.builtin is not None:
            missing = [name for name in self.builtin.secrets if name not in secrets]
            if missing:
                raise ValueError(
                    f"the template {self.template} needs `body_secrets: {{{missing[0]}: {{file: PATH}}}}`"
                )
            return compiled(self.builtin.body, levels=self.level_names(), secrets=secrets)
        if self.body_file is not None:
            try:
                return parse(self.body_file.read_bytes(), levels=self.level_names(), secrets=secrets)
            except OSError as error:
                raise ValueError(f"body_file: {self.body_file} cannot be read: {error.strerror}") from None
        return None if self.body is None else parse(self.body, levels=self.level_names(), secrets=secrets)

    @property
    def builtin(self) -> BuiltinTemplate | None:
        """The shipped template, if one is named; else None."""
        return None if self.template is None else BUILTIN_TEMPLATES[self.template]

    def parsed_action(self) -> BodyTemplate | None:
        """Return the template of the line before each part (`_bulk`); None if there is none."""
        if self.builtin is None or self.builtin.action is None:
            return None
        return compiled(self.builtin.action(self.index), levels=self.level_names(), secrets={})

    def level_names(self) -> Levels:
        """Return the values of `${level}`, by severity."""
        words = CRITICAL_WARNING_INFORMATION if self.builtin is None else self.builtin.levels
        return {severity: self.levels.get(_PRIORITIES[severity], word) for severity, word in words.items()}

    def batch_kind(self) -> BatchFormat:
        """Return how alerts share a request."""
        if self.batch is not None:
            return self.batch
        return "array" if self.builtin is None else self.builtin.batches[0]

    def scheme(self) -> str:
        """Return the word before the token in the header `Authorization`."""
        default = "Bearer" if self.builtin is None else self.builtin.token_scheme
        return self.token_scheme or default

    def networks(self) -> tuple[Network, ...]:
        """Return the networks of `allow`."""
        return tuple(ip_network(text) for text in self.allow)

    def secrets(self) -> list[str]:
        """Return all values that must not be logged."""
        url = address(self.url)
        proxy = None if self.proxy is None else address(self.proxy)
        held = [
            *self.headers.values(), *self.signing_secrets, *self.body_secrets.values(), self.token, self.password,
            self.tls.key_password, None if self.oauth is None else self.oauth.client_secret,
        ]  # fmt: skip
        return [
            *(item.get_secret_value() for item in held if item is not None),
            str(url),
            *(part for part in (url.raw_path, url.path, url.raw_query_string, *url.query.values()) if part != "/"),
            *([] if proxy is None or proxy.password is None else [proxy.password]),
        ]


def address(value: Secret) -> URL:
    """Return the URL in a secret. Raises ValueError, whose text does not contain the secret."""
    try:
        url = URL(value.get_secret_value())
        good = url.scheme in ("http", "https") and url.port is not None and _is_host(url.host or "")
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be a URL such as https://host:port/path")
    return url


def _hidden(tree: Any, key: str = "") -> object:
    """Return the tree with texts below keys of credentials replaced by stars; references are no secrets."""
    if isinstance(tree, dict):
        return {name: _hidden(value, str(name)) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_hidden(value, key) for value in tree]
    is_reference = isinstance(tree, str) and tree.startswith("${") and tree.endswith("}")
    return "**********" if isinstance(tree, str) and not is_reference and _CREDENTIAL.search(key) else tree


def _is_host(host: str) -> bool:
    """Return True if the host is not empty, and not one of the numbers that some resolvers take for an address
    (`127.1`)."""
    return bool(host) and not (host.replace(".", "").isdigit() and literal_address(host) is None)


def _check_single_line(what: str, value: Secret) -> None:
    if any(character < " " or character == "\x7f" for character in value.get_secret_value()):
        raise ValueError(f"{what} must be one line without control characters")
