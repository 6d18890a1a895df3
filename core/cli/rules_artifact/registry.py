"""A registry over HTTP (github.com/opencontainers/distribution-spec), with docker's token authorization."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import aiohttp
import msgspec
from yarl import URL

from mozu.core.cli.rules_artifact.credentials import DOCKER_HUB, RegistryCredentials, credentials_for
from mozu.core.cli.rules_artifact.reference import ArtifactReference
from mozu.core.cli.rules_artifact.store import LARGEST_MANIFEST, MANIFEST, RegistryAccess
from mozu.core.common.tls import ClientTls, client_context
from mozu.core.errors import MozuError

_TIMEOUT: Final = aiohttp.ClientTimeout(total=300, connect=20, sock_read=30)
"""Seconds for one request; a layer on a slow line takes minutes, and a silent registry is given up earlier."""
_LOCAL: Final = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
"""Hosts that are spoken to without TLS, as docker does."""
_ASKED: Final = re.compile(r'(\w+)="([^"]*)"')
_MOST_PAGES: Final = 100


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    content: bytes


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


@asynccontextmanager
async def connected(reference: ArtifactReference, access: RegistryAccess) -> AsyncIterator["RegistryStore"]:
    """Yield the repository of a reference. Raises MozuError for certificates and credentials that cannot be used."""
    try:
        context = client_context(ClientTls(ca=access.ca))
    except ValueError as error:
        raise MozuError(str(error).replace("tls.ca", "--ca")) from error
    credentials = credentials_for(reference.place, reference.repository, access.credentials)
    is_plain = access.plain_http or _LOCAL.fullmatch(reference.place) is not None
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, trust_env=True) as session:
        yield RegistryStore(session, reference, credentials, "http" if is_plain else "https")


class RegistryStore:
    """A repository of a registry; see `ArtifactStore`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        reference: ArtifactReference,
        credentials: RegistryCredentials | None,
        scheme: str,
    ) -> None:
        self._session, self._reference, self._credentials = session, reference, credentials
        host = f"registry-1.{DOCKER_HUB}" if reference.place == DOCKER_HUB else reference.place
        self._root = URL(f"{scheme}://{host}/v2/{reference.repository}/")
        self._authorization = ""

    async def manifest(self, wanted: str) -> bytes | None:
        """Return the manifest with this tag or digest; None if there is none."""
        url = self._root / "manifests" / wanted
        answer = await self._ask("GET", url, LARGEST_MANIFEST, headers={"Accept": MANIFEST})
        return None if answer.status == 404 else self._accepted(answer, f"the manifest {wanted}").content

    async def blob(self, digest: str, size: int) -> bytes:
        """Return a blob of exactly this size; the caller compares its digest."""
        answer = self._accepted(await self._ask("GET", self._root / "blobs" / digest, size), f"the blob {digest}")
        if len(answer.content) != size:
            raise MozuError(f"{self._about}: {len(answer.content)} bytes came of the blob {digest}, expected {size}")
        return answer.content

    async def tags(self) -> Sequence[str]:
        """Return all tags."""
        found: list[str] = []
        url = self._root / "tags" / "list"
        for _ in range(_MOST_PAGES):
            answer = self._accepted(await self._ask("GET", url, LARGEST_MANIFEST), "the list of tags")
            try:
                found += msgspec.json.decode(answer.content, type=_Tags).tags or []
            except msgspec.DecodeError as error:
                raise MozuError(f"{self._about}: the list of tags cannot be read: {error}") from error
            more = re.match(r"\s*<([^>]+)>", answer.headers.get("Link", ""))
            if more is None:
                break
            url = url.join(URL(more[1]))
        return sorted(found)

    async def put_blob(self, digest: str, content: bytes) -> None:
        """Store a blob."""
        if (await self._ask("HEAD", self._root / "blobs" / digest, 0)).status == 200:
            return
        begun = self._accepted(await self._ask("POST", self._root / "blobs" / "uploads" / "", 0), "an upload")
        url = self._root.join(URL(begun.headers.get("Location", ""), encoded=True)).update_query(digest=digest)
        headers = {"Content-Type": "application/octet-stream"}
        self._accepted(await self._ask("PUT", url, 0, headers=headers, data=content), f"the upload of {digest}")

    async def put_manifest(self, digest: str, content: bytes, tag: str) -> None:
        """Store a manifest under a tag, last: what it names is there."""
        url = self._root / "manifests" / tag
        answer = await self._ask("PUT", url, 0, headers={"Content-Type": MANIFEST}, data=content)
        self._accepted(answer, f"the manifest {tag}")

    @property
    def _about(self) -> str:
        return self._reference.name

    async def _ask(
        self, method: str, url: URL, largest: int, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> _Answer:
        """Return the answer to a request, with at most one byte more than `largest`. Raises MozuError if there is
        none."""
        answer = await self._ask_once(method, url, largest, headers or {}, data)
        if answer.status == 401:
            push = "" if method in ("GET", "HEAD") else ",push"
            self._authorization = await self._authorized(answer.headers.get("WWW-Authenticate", ""), push)
            answer = await self._ask_once(method, url, largest, headers or {}, data)
        return answer

    async def _ask_once(
        self, method: str, url: URL, largest: int, headers: Mapping[str, str], data: bytes | None
    ) -> _Answer:
        # A registry that sends uploads elsewhere gets no credentials there; redirects are aiohttp's, which drops them.
        is_same = url.origin() == self._root.origin() and self._authorization
        sent = {**headers, **({"Authorization": self._authorization} if is_same else {})}
        try:
            body = None if data is None else io.BytesIO(data)
            async with self._session.request(method, url, headers=sent, data=body) as answer:
                content = b""
                while len(content) <= largest and (part := await answer.content.read(largest + 1 - len(content))):
                    content += part
                return _Answer(answer.status, answer.headers.copy(), content)
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise MozuError(f"{self._about}: the registry {self._reference.place} failed: {_reason(error)}") from error

    async def _authorized(self, challenge: str, push: str) -> str:
        """Return the header of authorization that a challenge asks for. Raises MozuError."""
        kind, _, rest = challenge.partition(" ")
        known = self._credentials
        if kind.lower() == "basic" and known is not None and known.user:
            return known.basic
        asked = dict(_ASKED.findall(rest))
        realm = asked.get("realm", "")
        if kind.lower() != "bearer" or not realm:
            has = "no credentials" if known is None else "no credentials that it takes"
            raise MozuError(f"{self._about}: the registry asks for credentials, and there are {has}; `docker login`")
        if self._root.scheme == "https" and URL(realm).scheme != "https":
            raise MozuError(f"{self._about}: the registry sends credentials to {realm}, which has no TLS")
        scope = asked.get("scope") or f"repository:{self._reference.repository}:pull{push}"
        query = {"service": asked.get("service", ""), "scope": scope}
        if known is not None and known.token:
            form = {**query, "grant_type": "refresh_token", "refresh_token": known.token, "client_id": "mozu"}
            request = self._session.post(realm, data=form)
        else:
            headers = {} if known is None else {"Authorization": known.basic}
            request = self._session.get(URL(realm).update_query(query), headers=headers)
        try:
            async with request as answer:
                if answer.status != 200:
                    raise MozuError(f"{self._about}: {realm} refuses a token: {answer.status} {answer.reason}")
                found = msgspec.json.decode(await answer.read(), type=_Token)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise MozuError(f"{self._about}: no token came from {realm}: {_reason(error)}") from error
        return f"Bearer {found.token or found.access_token}"

    def _accepted(self, answer: _Answer, what: str) -> _Answer:
        """Return the answer. Raises MozuError if it refuses."""
        if 200 <= answer.status < 300:
            return answer
        hint = "; check the credentials (`docker login`)" if answer.status in (401, 403) else ""
        raise MozuError(f"{self._about}: the registry answers {what} with status {answer.status}{hint}")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return str(error) or type(error).__name__
