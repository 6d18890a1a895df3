"""The REST API of schema registries (Confluent's, which Apicurio and Karapace offer, too): ids of schemas.

https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson

from mozu.core.common.secret_mask import SecretMask
from mozu.core.common.tls import client_context
from mozu.core.delivery.encode.escape import escaped
from mozu.plugins.sinks.kafka.registry.settings import RegistrySettings

_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_MOST_BYTES: Final = 1 << 20
"""Most bytes read of an answer; the answer to a look-up repeats the schema."""
_EXCERPT: Final = 200
_MOST: Final = 1 << 31
"""Bound of ids, which are four bytes in records; registries count from 1."""
_UNAUTHORIZED: Final = (401, 403)
_MISSING, _INCOMPATIBLE = 404, 409


class SchemaUnavailable(Exception):
    """A schema has no id now; the text is the reason."""


class RegistryUnreachable(SchemaUnavailable):
    """The registry does not answer, for any subject."""


class SchemaMissing(SchemaUnavailable):
    """The registry does not have the schema."""


class RegistryClient:
    """Client of one registry. Building it reads the certificates. Raises ValueError."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        self._tls = client_context(settings.tls) if settings.url.startswith("https:") else True
        self._headers = {"Content-Type": _CONTENT_TYPE, "Accept": _CONTENT_TYPE, "User-Agent": "mozu"}
        secret = settings.token or settings.password
        if settings.token is not None:
            self._headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        elif settings.password is not None:
            pair = f"{settings.user}:{settings.password.get_secret_value()}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._mask = SecretMask(
            [] if secret is None else [secret.get_secret_value(), self._headers["Authorization"].partition(" ")[2]]
        )

    def __str__(self) -> str:
        return f"the schema registry {self._settings.url}"

    async def look_up(self, subject: str, schema_type: str, schema: str) -> int:
        """Return the id of a subject's schema. Raises SchemaMissing, SchemaUnavailable."""
        path = f"/subjects/{quote(subject, safe='')}"
        return self._id(await self._call("POST", path, {"schema": schema, "schemaType": schema_type}, subject))

    async def register(self, subject: str, schema_type: str, schema: str) -> int:
        """Register a schema unless it is registered, and return its id. Raises SchemaUnavailable."""
        path = f"/subjects/{quote(subject, safe='')}/versions"
        return self._id(await self._call("POST", path, {"schema": schema, "schemaType": schema_type}, subject))

    async def set_compatibility(self, subject: str, level: str) -> None:
        """Set a subject's compatibility level. Raises SchemaUnavailable."""
        await self._call("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level}, subject)

    async def _call(self, method: str, path: str, body: Mapping[str, str], subject: str) -> Any:
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        url = self._settings.url.rstrip("/") + path
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=self._headers, trust_env=False) as session,
                session.request(
                    method, url, data=orjson.dumps(body), allow_redirects=False, ssl=self._tls
                ) as response,
            ):
                status, answer = response.status, await _read(response)
        except TimeoutError:
            raise RegistryUnreachable(f"{self} gives no answer within {self._settings.timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            reason = self._excerpt(str(error) or type(error).__name__)
            raise RegistryUnreachable(f"{self} cannot be asked: {reason}") from None
        if status != 200:
            raise self._refusal(status, answer.decode("utf-8", "replace"), subject)
        try:
            return orjson.loads(answer)
        except ValueError:
            raise SchemaUnavailable(f"{self} answers with something that is no JSON") from None

    def _refusal(self, status: int, answer: str, subject: str) -> SchemaUnavailable:
        said = f"{status}: {self._excerpt(answer)}"
        if status in _UNAUTHORIZED:
            credentials = "set `registry.user` and `registry.password`, or `registry.token`, of an account that may"
            return SchemaUnavailable(f"{self} denies mozu the subject {subject} ({said}); {credentials}")
        if status == _INCOMPATIBLE:
            remedy = "use another topic, or another compatibility level of the subject"
            return SchemaUnavailable(f"{self} has an incompatible schema for the subject {subject} ({said}); {remedy}")
        if status == _MISSING:
            remedy = "register it, or set `registry.auto_register: true`"
            return SchemaMissing(f"{self} does not have the schema of the subject {subject} ({said}); {remedy}")
        return SchemaUnavailable(f"{self} fails for the subject {subject} ({said})")

    def _id(self, answer: Any) -> int:
        found = answer.get("id") if isinstance(answer, dict) else None
        if type(found) is not int or not 0 < found < _MOST:
            raise SchemaUnavailable(f"{self} answers without a schema's id (an integer from 1 to 2147483647)")
        return found

    def _excerpt(self, text: str) -> str:
        return escaped(self._mask(" ".join(text.split())))[:_EXCERPT]


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, cut at the most bytes that mozu reads: cut JSON is invalid."""
    read = bytearray()
    while len(read) < _MOST_BYTES and (chunk := await response.content.read(_MOST_BYTES - len(read))):
        read += chunk
    return bytes(read)
