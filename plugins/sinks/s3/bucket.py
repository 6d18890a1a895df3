"""A bucket: an aiohttp session, and signed requests with their answers."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import aiohttp
from yarl import URL

from mozu.core.common.control_chars import visible
from mozu.core.common.secret_mask import SecretMask
from mozu.core.common.tls import client_context
from mozu.plugins.sinks.s3.answer import Fate, StorageAnswer, classify
from mozu.plugins.sinks.s3.settings import S3Settings
from mozu.plugins.sinks.s3.signature import S3Credentials, encoded, signed_headers

_MAX_ANSWER: Final = 4096
"""Most bytes read of an answer."""
_MAX_REASON: Final = 300


def _utc() -> datetime:
    return datetime.now(UTC)


class Bucket:
    """Client of one bucket. Building it reads the certificates; raises ValueError."""

    def __init__(self, settings: S3Settings, clock: Callable[[], datetime] = _utc) -> None:
        base = settings.base()
        host = base.host_subcomponent or ""
        port = f":{base.port}" if not base.is_default_port() else ""
        is_virtual = settings.style() == "virtual"
        self._host = f"{settings.bucket}.{host}{port}" if is_virtual else f"{host}{port}"
        self._root = "/" if is_virtual else f"/{settings.bucket}/"
        self._scheme = base.scheme
        self._tls = client_context(settings.tls)
        self._settings, self._clock = settings, clock
        token = settings.session_token
        self._credentials = S3Credentials(
            settings.access_key.get_secret_value(),
            settings.secret_key.get_secret_value(),
            settings.region,
            None if token is None else token.get_secret_value(),
        )
        self._mask = SecretMask(settings.secrets())
        self._session: aiohttp.ClientSession | None = None

    def __str__(self) -> str:
        """Return the bucket's address without secrets, for logs."""
        return f"{self._scheme}://{self._host}{self._root}"

    def open(self) -> None:
        """Make the session; requests make the connections."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=self._tls, resolver=aiohttp.ThreadedResolver()),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout, sock_connect=self._settings.connect_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "mozu"},
        )

    async def close(self) -> None:
        """Close the session. Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def write(self, key: str, body: bytes, content_type: str) -> StorageAnswer:
        """Write one object. Never raises for errors of the storage."""
        md5 = hashlib.md5(body, usedforsecurity=False).digest()  # buckets with object lock want it
        own = {name: value.get_secret_value() for name, value in self._settings.headers.items()}
        headers = {"content-md5": base64.b64encode(md5).decode(), "content-type": content_type, **own}
        return await self._request("PUT", self._root + encoded(key, "/"), {}, headers, body)

    async def look(self) -> StorageAnswer:
        """Request a list of no objects, which shows if bucket, region and access key are right."""
        return await self._request("GET", self._root, {"list-type": "2", "max-keys": "0"}, {}, b"")

    async def _request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> StorageAnswer:
        if self._session is None:
            raise RuntimeError("the bucket is not open")
        given = {"host": self._host, **headers}
        signed = signed_headers(self._credentials, method, path, query, given, body, self._clock())
        asked = "&".join(f"{name}={encoded(value)}" for name, value in query.items())
        url = URL(f"{self._scheme}://{self._host}{path}{'?' if asked else ''}{asked}", encoded=True)
        try:
            async with self._session.request(
                method, url, data=body, headers=signed, allow_redirects=False
            ) as response:
                return self._classified(response.status, await self._read(response))
        except (aiohttp.ClientError, OSError) as error:
            return StorageAnswer(Fate.WAIT, self._why(error))

    def _classified(self, status: int, body: str) -> StorageAnswer:
        found = classify(status, self._mask(body))
        return StorageAnswer(found.fate, visible(" ".join(found.reason.split()))[:_MAX_REASON], found.code)

    async def _read(self, response: aiohttp.ClientResponse) -> str:
        """Return the beginning of the answer's body. The status counts even if the body cannot be read."""
        read = bytearray()
        try:
            while not response.content.at_eof() and len(read) <= _MAX_ANSWER:
                read += await response.content.read(_MAX_ANSWER + 1 - len(read))
        except (aiohttp.ClientError, OSError):
            response.close()
        if len(read) > _MAX_ANSWER:
            response.close()
        return read.decode("utf-8", "replace")

    def _why(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "no answer in time"
        if isinstance(error, aiohttp.ClientConnectorError):
            return visible(f"no connection: {error.os_error.strerror or error.os_error}")[:_MAX_REASON]
        return visible(self._mask(f"no answer that can be read ({type(error).__name__})"))
