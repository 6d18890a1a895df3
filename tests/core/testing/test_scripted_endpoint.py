"""The endpoint answers as scripted, and reports its requests."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mozu.testing import HANGS, Reply, scripted_endpoint


def status(url: str, body: bytes = b"x", seconds: float = 5.0) -> int:
    try:
        with urlopen(Request(url, body), timeout=seconds) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_answers_come_in_order_and_the_last_one_stays() -> None:
    with scripted_endpoint(503, Reply(429, headers={"Retry-After": "7"}), 200) as there:
        assert [status(there.url) for _ in range(4)] == [503, 429, 200, 200]


def test_requests_are_kept() -> None:
    with scripted_endpoint() as there:
        status(f"{there.url}in?a=1", b"body")
        (request,) = there.requests
    assert (request.method, request.path, request.body) == ("POST", "/in?a=1", b"body")


def test_one_that_hangs_ends_with_the_endpoint() -> None:
    with scripted_endpoint(HANGS) as there, pytest.raises(TimeoutError):
        status(there.url, seconds=0.2)
