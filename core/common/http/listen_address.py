"""Where to listen, as settings write it: `127.0.0.1:2801`, `[::1]:2801`, or `unix:/run/mozu.sock`."""

from ipaddress import ip_address
from typing import Final

import msgspec

UNIX: Final = "unix:"
"""Before the path of a socket."""
_MAX_PATH: Final = 107
"""Bytes of a path in struct sockaddr_un (unix(7)), without the zero that ends it."""


class ListenAddress(msgspec.Struct, frozen=True):
    """An address and a port, or a path."""

    host: str = ""
    port: int = 0
    """0: any that is free."""
    path: str = ""
    """Of a Unix socket; empty: it is no such."""

    @classmethod
    def parse(cls, text: str, *, unix: bool = False) -> "ListenAddress":
        """Raises ValueError. `unix`: a path may be given, too."""
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
        """Whether only this machine can connect."""
        if self.path:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
