"""A seccomp listener: a call of a task waits for a result or a descriptor from this process (seccomp_unotify(2)).

Structures and numbers are those of linux/seccomp.h. SECCOMP_RET_USER_NOTIF precedes SECCOMP_RET_TRACE, so a notified
call does not stop for its tracer. After such a stop, however, the kernel runs the filter again, with the present
registers: a tracer can mark a call in an argument that it does not use, which the filter sees, so that the call stops
first and then waits here.
"""

import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
from collections.abc import Callable
from typing import Final

_RECEIVE: Final = 0xC0502100
"""SECCOMP_IOCTL_NOTIF_RECV, with a struct seccomp_notif of 80 bytes."""
_SEND: Final = 0xC0182101
"""SECCOMP_IOCTL_NOTIF_SEND."""
_ADD_DESCRIPTOR: Final = 0x40182103
"""SECCOMP_IOCTL_NOTIF_ADDFD."""
_FLAG_SEND: Final = 2
"""SECCOMP_ADDFD_FLAG_SEND (Linux 5.14): the number of the descriptor is the call's result."""
_NOTIFICATION: Final = struct.Struct("<QI68x")
_RESPONSE: Final = struct.Struct("<QqiI")
_ADDED: Final = struct.Struct("<QIIII")
_POLL_MS: Final = 20
"""Milliseconds between two checks if an awaited task was killed."""


class NoListener(Exception):
    """The filter could not have a listener; the message is the reason."""


def receive_listener(channel: socket.socket) -> int:
    """Return the listener that launcher.py has sent. Raises NoListener."""
    said, found, _, _ = socket.recv_fds(channel, 64, 1, socket.MSG_DONTWAIT)
    if not found:
        raise NoListener(os.strerror(int(said)) if said.isdigit() else "nothing was sent")
    return found[0]


class SeccompListener:
    """Owner of the listener's descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._id = 0
        """Id of the waiting call."""

    def await_call(self, tid: int, waits: Callable[[], bool]) -> bool:
        """Return True once the call of this task waits; False if it was interrupted or has ended, according to `waits`.
        Afterwards only its end interrupts it (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)."""
        while True:
            if not self._poll.poll(_POLL_MS):
                if not waits():
                    return False
                continue
            found = bytearray(_NOTIFICATION.size)
            try:
                fcntl.ioctl(self._descriptor, _RECEIVE, found)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):  # it has ended since
                    continue
                return False
            self._id, who = _NOTIFICATION.unpack(found)
            if who == tid:
                return True
            self.answer(-errno.EPERM)  # a program has put the mark there itself

    def give(self, descriptor: int, *, closes_on_exec: bool) -> None:
        """Let the call return a copy of this descriptor, or the error for which it cannot have one more."""
        flags = os.O_CLOEXEC if closes_on_exec else 0
        try:
            fcntl.ioctl(self._descriptor, _ADD_DESCRIPTOR, _ADDED.pack(self._id, _FLAG_SEND, descriptor, 0, flags))
        except OSError as error:
            self.answer(-(error.errno or errno.EPERM))

    def answer(self, result: int) -> None:
        """Let the call return this negative errno; do nothing if the task has ended."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._descriptor, _SEND, bytearray(_RESPONSE.pack(self._id, 0, result, 0)))

    def close(self) -> None:
        """Close the listener; waiting calls return ENOSYS."""
        os.close(self._descriptor)
