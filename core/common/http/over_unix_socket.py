"""HTTP/1.1 over a unix socket, as far as docker's API needs it: no bodies are sent, one connection per request.

aiohttp would do, at 9 MB of memory in a process that asks the engine a few things. Bodies come with a length, in chunks
(RFC 9112, section 7.1), or up to the end of the connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_PIECE: Final = 1 << 16
_MAX_HEADERS: Final = 100


class BrokenAnswer(Exception):
    """An answer is no HTTP, too large, or ends in the middle; or its status is an error."""


class Answer:
    """The status and headers of an answer, whose body is still to be read."""

    def __init__(self, status: int, headers: dict[str, str], reader: asyncio.StreamReader) -> None:
        self.status, self.headers, self._reader = status, headers, reader
        """Headers, with names in lower case, and the reader of the body."""

    def check(self) -> None:
        """Raise BrokenAnswer for a status that is an error."""
        if self.status >= 400:
            raise BrokenAnswer(f"the engine answers with status {self.status}")

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body, as it arrives. Raises OSError, BrokenAnswer."""
        try:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                while size := int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16):
                    async for piece in self._exactly(size):
                        yield piece
                    await self._reader.readexactly(2)
            elif "content-length" in self.headers:
                async for piece in self._exactly(int(self.headers["content-length"])):
                    yield piece
            else:
                while piece := await self._reader.read(_PIECE):
                    yield piece
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise BrokenAnswer(f"the engine's answer is broken: {error}") from error

    async def whole(self, limit: int) -> bytes:
        """Return the whole body. Raises OSError, BrokenAnswer."""
        parts: list[bytes] = []
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > limit:
                raise BrokenAnswer(f"the engine's answer exceeds {limit} bytes")
            parts.append(piece)
        return b"".join(parts)

    async def _exactly(self, size: int) -> AsyncIterator[bytes]:
        while size > 0:
            piece = await self._reader.read(min(size, _PIECE))
            if not piece:
                raise BrokenAnswer("the engine's answer ends in the middle")
            size -= len(piece)
            yield piece


@asynccontextmanager
async def request(socket: Path, method: str, path: str, seconds: float) -> AsyncIterator[Answer]:
    """Send one request over a connection of its own, which is closed at the end of the block, and yield the answer.

    `seconds` bounds the time until the headers have come. Raises OSError, TimeoutError, BrokenAnswer.
    """
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        try:
            more = "Content-Length: 0\r\n" if method == "POST" else ""
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: docker\r\n{more}Connection: close\r\n\r\n".encode())
            answer = await _headers(reader)
        except BaseException:
            writer.close()
            raise
    try:
        yield answer
    finally:
        writer.close()


async def _headers(reader: asyncio.StreamReader) -> Answer:
    try:
        protocol, _, rest = (await reader.readuntil(b"\r\n")).partition(b" ")
        if not protocol.startswith(b"HTTP/1."):
            raise BrokenAnswer("the engine's answer is no HTTP")
        status = int(rest[:3])
        headers: dict[str, str] = {}
        for _ in range(_MAX_HEADERS):
            line = (await reader.readuntil(b"\r\n")).rstrip(b"\r\n").decode("latin-1")
            if not line:
                return Answer(status, headers, reader)
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise BrokenAnswer(f"the engine's answer is broken: {error}") from error
    raise BrokenAnswer(f"the engine's answer has more than {_MAX_HEADERS} headers")
