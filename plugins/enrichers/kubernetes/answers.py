"""What goes wrong when the API server is asked."""

from typing import ClassVar, Final

_PASSING: Final = frozenset({401, 408, 410, 429})
"""Refusals that end by themselves: a token that is replaced, a timeout, a version that is forgotten, too many calls."""


class ServerUnreachable(Exception):
    """No answer, or none that can be read; one phrase."""


class RequestRefused(Exception):
    """The server answered with a status that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"it answers with status {status}{': ' if message else ''}{message}")
        self.status = status

    @property
    def is_final(self) -> bool:
        """Whether the same request will be refused until someone changes a permission."""
        return 400 <= self.status < 500 and self.status not in _PASSING


class VersionExpired(RequestRefused):
    """The server has forgotten the resource version that was asked for (410 Gone): list again."""

    CODE: ClassVar[int] = 410
