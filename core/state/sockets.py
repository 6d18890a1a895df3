"""The addresses of a socket's two ends, and what follows from them for its file."""

from mozu.core.abi.addresses import socket_kind, tuple_text, unmap_ipv4
from mozu.core.model.event import File, SockTuple


def shown_protocol(protocol: str, role: str) -> str:
    """Return the text of `fd.l4proto`: `<NA>` until a socket has a role, except that raw sockets never get one."""
    return protocol if protocol and (role or protocol == "raw") else "<NA>"


def with_tuple(file: File, sock: SockTuple, *, role: str, connected: bool) -> File:
    """Return the file of the socket with these two ends. `sock.source` is the client."""
    sock = unmap_ipv4(sock)
    protocol, name = file.protocol, tuple_text(sock, file.protocol)
    return File(
        socket_kind(sock.family), name, file.raw, file.realpath, file.flags, file.dev, file.ino, sock=sock,
        protocol=protocol, l4proto=None if sock.family == 1 else shown_protocol(protocol, role), role=role,
        connected=connected, name_changed=name != file.name,
    )  # fmt: skip
