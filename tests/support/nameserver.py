"""A private name server on a loopback address, and a way to run a command that uses no other one."""

import socket
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.requirements import program

ADDRESS: Final = "127.0.53.1"
_PORT: Final = 53
_A, _AAAA = 1, 28
_ANSWER, _NO_SUCH_NAME = 0x8180, 0x8183
_TO_THE_NAME_ASKED = 0xC00C
_EYES: Final = 'mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"'


class NameServer:
    """A server that answers for A and AAAA over UDP. `hosts` and `silent` may be changed while it runs."""

    def __init__(self, hosts: Mapping[str, tuple[str, ...]]) -> None:
        self.hosts = dict(hosts)
        """Name → addresses; other names do not exist."""
        self.silent = False
        """True to take questions without ever answering."""
        self.asked: list[str] = []
        """Names of all questions."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, _PORT))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._socket.sendto(b"", (ADDRESS, _PORT))
        self._thread.join()
        self._socket.close()

    def eyes(self, folder: Path, options: str = "timeout:1") -> tuple[str, ...]:
        """Return the words to put before a command for which this name server is to be the only source of names; needs
        root.

        `options` are the resolver's (resolv.conf).
        """
        resolver, switch = folder / "resolv.conf", folder / "nsswitch.conf"
        resolver.write_text(f"nameserver {ADDRESS}\noptions {options}\n")
        switch.write_text("passwd: files\ngroup: files\nhosts: dns\n")
        unshare = (program("unshare"), "--mount", "--propagation", "slave")
        return (*unshare, "sh", "-c", _EYES, str(resolver), str(switch))

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(512)
            if not question:  # closed
                return
            name, kind, end = _asked(question)
            self.asked.append(name)
            if not self.silent:
                self._socket.sendto(self._answer(question[:end], name, kind), asker)

    def _answer(self, question: bytes, name: str, kind: int) -> bytes:
        addresses = self.hosts.get(name)
        flags = _NO_SUCH_NAME if addresses is None else _ANSWER
        family = {_A: socket.AF_INET, _AAAA: socket.AF_INET6}.get(kind)
        records = [_record(kind, text) for text in addresses or () if family is not None and _is(text, family)]
        head = struct.pack("!HHHHHH", int.from_bytes(question[:2], "big"), flags, 1, len(records), 0, 0)
        return head + question[12:] + b"".join(records)


def _asked(message: bytes) -> tuple[str, int, int]:
    """Return (name, type, offset of the question's end)."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), int.from_bytes(message[at + 1 : at + 3], "big"), at + 5


def _is(text: str, family: socket.AddressFamily) -> bool:
    return (":" in text) == (family is socket.AF_INET6)


def _record(kind: int, text: str) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    return struct.pack("!HHHIH", _TO_THE_NAME_ASKED, kind, 1, 0, len(packed)) + packed
