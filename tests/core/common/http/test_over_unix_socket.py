"""The docker enricher's HTTP client: bodies of every form, and answers that are broken."""

import asyncio
from pathlib import Path

import pytest

from mozu.core.common.http.over_unix_socket import BrokenAnswer, request

OK = b"HTTP/1.1 200 OK\r\n"


async def _asked(folder: Path, answer: bytes, *, limit: int, hangs: bool) -> tuple[int, bytes, str]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if hangs:
            await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_unix_server(serve, str(folder / "engine"))
    try:
        async with request(folder / "engine", "GET", "/v1.45/info?a=1", 0.5 if hangs else 30) as found:
            found.check()
            body = await found.whole(limit)
    finally:
        await ended.wait()
        server.close()
    (line, *_) = asked[0].split(b"\r\n")
    return found.status, body, line.decode()


def ask(folder: Path, answer: bytes, *, limit: int = 1 << 20, hangs: bool = False) -> tuple[int, bytes, str]:
    """Return (status, body, the request line)."""
    return asyncio.run(_asked(folder, answer, limit=limit, hangs=hangs))


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"content-length:0\r\n\r\n", b""),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", b"hello!"),
        (OK + b"\r\nup to the end", b"up to the end"),
        (OK + b"Content-Length: 200000\r\n\r\n" + bytes(200_000), bytes(200_000)),
    ],
)
def test_a_body_is_read_whatever_its_form(tmp_path: Path, answer: bytes, body: bytes) -> None:
    assert (200, body, "GET /v1.45/info?a=1 HTTP/1.1") == ask(tmp_path, answer)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"", "broken"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "broken"),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "status 500"),
        (OK + b"Content-Length: 9\r\n\r\nhello", "ends in the middle"),
        (OK + b"Content-Length: many\r\n\r\nhello", "broken"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "ends in the middle"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello", "broken"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 100_000, "broken"),
        (OK + b"A: b\r\n" * 200 + b"\r\n", "more than 100 headers"),
        (OK + b"\r\n" + bytes(2000), "exceeds 1000 bytes"),
    ],
)
def test_a_broken_answer_is_an_error_of_one_kind(tmp_path: Path, answer: bytes, text: str) -> None:
    with pytest.raises(BrokenAnswer, match=text):
        ask(tmp_path, answer, limit=1000)


def test_an_engine_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        ask(tmp_path, b"", hangs=True)


def test_an_engine_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    async def nothing() -> None:
        async with request(tmp_path / "nothing", "GET", "/_ping", 1):
            raise AssertionError("there is no engine")

    with pytest.raises(FileNotFoundError):
        asyncio.run(nothing())
