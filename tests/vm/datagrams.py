"""Ways to send a datagram to a port of this machine: natively, by 32-bit calls, by requests of io_uring."""

import ctypes
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.support.acts import int80, io_uring
from tests.support.acts.raw import call
from tests.vm.service import HERE

NARROW_PROGRAM: Final = HERE / "programs/entry_path"
"""Path of a 32-bit program, made from tests/support/entry_path.c."""
_CALLS: Final = ("sendto", "sendmsg", "sendmmsg")


def sends(port: int) -> dict[str, Callable[[], object]]:
    """Return name → way to send a datagram; each returns an error as -errno, or raises OSError."""
    return {**_native(port), **_narrow(port), **_requests(port)}


def _native(port: int) -> dict[str, Callable[[], object]]:
    def one(act: Callable[[socket.socket], object], family: int = socket.AF_INET) -> Callable[[], object]:
        def sent() -> object:
            with socket.socket(family, socket.SOCK_DGRAM) as made:
                return act(made)

        return sent

    there = ("127.0.0.1", port)
    unspecified = struct.pack("=HH4s8x", socket.AF_UNSPEC, socket.htons(port), bytes([127, 0, 0, 1]))
    return {
        "sendto": one(lambda made: made.sendto(b"x", there)),
        "sendto of a bound socket": one(lambda made: _bound(made).sendto(b"x", there)),
        "sendto to 0.0.0.0": one(lambda made: made.sendto(b"x", ("0.0.0.0", port))),
        "sendto to a mapped address": one(lambda made: made.sendto(b"x", ("::ffff:127.0.0.1", port)), socket.AF_INET6),
        "sendto without a family": one(lambda made: call("sendto", made.fileno(), b"x", 1, 0, unspecified, 16)),
        "sendmsg": one(lambda made: made.sendmsg([b"x"], [], 0, there)),
        "sendmmsg": one(lambda made: _sent_many(made, port)),
        "write to a connected socket": one(lambda made: os.write(_connected(made, there).fileno(), b"x")),
    }


def _narrow(port: int) -> dict[str, Callable[[], object]]:
    found: dict[str, Callable[[], object]] = {}
    for name in _CALLS:
        found[f"32-bit {name}"] = partial(int80.datagram, port, name)
        found[f"32-bit {name} by socketcall"] = partial(int80.datagram, port, name, multiplexed=True)
    for verb, name in zip(("udp", "parts", "batch"), _CALLS, strict=True):
        found[f"{name} of a 32-bit program"] = partial(_by_program, verb, port)
    return found


def _requests(port: int) -> dict[str, Callable[[], object]]:
    return {
        "io_uring sendmsg": lambda: io_uring.message(port, [b"x"]),
        "io_uring sendmsg, polled": lambda: io_uring.message(port, [b"x"], setup=io_uring.SQPOLL),
        "io_uring sendmsg_zc": lambda: io_uring.message(port, [b"x"], "sendmsg_zc"),
        "io_uring send": lambda: io_uring.datagram(port, "send"),
        "io_uring send_zc": lambda: io_uring.datagram(port, "send_zc"),
        "io_uring send to the socket's peer": lambda: io_uring.datagram_to_peer(port),
    }


def _by_program(verb: str, port: int) -> int:
    """Run the 32-bit program, whose exit status is the errno."""
    return -subprocess.run([NARROW_PROGRAM, verb, str(port)], check=False).returncode


def spliced(port: int) -> None:
    """Send a datagram by splice(2). Before Linux 6.5 the kernel asks no module about it: pages had a way of their own
    (`sendpage` of struct proto_ops).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.connect(("127.0.0.1", port))
        reader, writer = os.pipe()
        os.write(writer, b"x")
        os.splice(reader, made.fileno(), 1)


def _sent_many(made: socket.socket, port: int) -> int:
    """Send a message by sendmmsg(2): struct mmsghdr is a struct msghdr and the number of bytes sent."""
    name = ctypes.create_string_buffer(
        struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), bytes([127, 0, 0, 1])), 16
    )
    text = ctypes.create_string_buffer(b"x", 1)
    vector = ctypes.create_string_buffer(struct.pack("@PN", ctypes.addressof(text), 1))
    header = struct.pack("@PIPNPNi4xI4x", ctypes.addressof(name), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
    return call("sendmmsg", made.fileno(), header, 1, 0)


def _bound(made: socket.socket) -> socket.socket:
    made.bind(("127.0.0.1", 0))
    return made


def _connected(made: socket.socket, there: tuple[str, int]) -> socket.socket:
    made.connect(there)
    return made
