"""Ports of the loopback address."""

import socket


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """One that nobody has."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
