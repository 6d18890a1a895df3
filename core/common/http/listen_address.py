"""An address to listen at, as settings write it: `127.0.0.1:2801`, `[::1]:2801`, or `unix:/run/mozu.sock`."""

from ipaddress import ip_address
from typing import Final

import msgspec

UNIX: Final = "unix:"
"""Prefix of the path of a socket."""
_MAX_PATH: Final = 107
"""The most bytes of a path in struct sockaddr_un (unix(7)), without the zero that ends it."""


class ListenAddress(msgspec.Struct, frozen=True):
    """An address with a port, or a path."""

    host: str = ""
    port: int = 0
    """The port; 0 for any that is free."""
    path: str = ""
    """Path of a Unix socket; empty for an IP address."""

    @classmethod
    def parse(cls, text: str, *, unix: bool = False) -> "ListenAddress":
        """Return the address in a text. `unix`: a path is allowed too. Raises ValueError."""
        if unix and text.startswith(UNIX):
            path = text.removeprefix(UNIX)
            if not path.startswith("/") or "\0" in path or len(path.encode("utf-8", "surrogateescape")) > _MAX_PATH:
                raise ValueError(f"must be an absolute path of at most {_MAX_PATH} bytes after {UNIX}")
            return cls(path=path)
        host, colon, port = text.rpartition(":")
        if not (colon and host.strip("[]") and port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError("must be an address and a port such as 127.0.0.1:2801 or [::1]:2801")
        return cls(host.strip("[]"), int(port))

    @property
    def is_local(self) -> bool:
        """True if only this machine can connect."""
        if self.path:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
