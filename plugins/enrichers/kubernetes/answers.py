"""Errors of requests to the API server."""

from typing import ClassVar, Final

_PASSING: Final = frozenset({401, 408, 410, 429})
"""Statuses that end by themselves: a replaced token, a timeout, a forgotten version, too many calls."""


class ServerUnreachable(Exception):
    """An error of a server without a readable answer; the message is one phrase."""


class RequestRefused(Exception):
    """An error of a server that answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"it answers with status {status}{': ' if message else ''}{message}")
        self.status = status

    @property
    def is_final(self) -> bool:
        """True if the same request will be refused until a permission is changed."""
        return 400 <= self.status < 500 and self.status not in _PASSING


class VersionExpired(RequestRefused):
    """The server has forgotten the requested resource version (410 Gone): list again."""

    CODE: ClassVar[int] = 410
