"""A child process that reads alerts on its standard input; FIONREAD returns how much of the pipe is unread."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Sequence
from logging import Logger
from typing import Final, cast

from mozu.core.common.control_chars import visible

_MAX_LINE: Final = 2000
_MIN_POLL_INTERVAL, _MAX_POLL_INTERVAL = 0.0002, 0.02
"""Shortest and longest seconds between two calls of FIONREAD."""
_KILL_AFTER: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""


class ChildProcess(asyncio.SubprocessProtocol):
    """A running program, made by `start`. Its input is a pipe that mozu made itself, so that FIONREAD works on it."""

    def __init__(self, log: Logger, descriptor: int) -> None:
        self._log = log
        self._input: int | None = descriptor
        self._partial_line = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended = asyncio.Event()
        self.started = self.ended = asyncio.get_running_loop().time()

    @classmethod
    async def start(cls, command: Sequence[str], log: Logger) -> "ChildProcess":
        """Start the program. Raises OSError if it cannot be started."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        child = cls(log, writing)
        try:
            # a session of its own (setsid): Ctrl-C reaches mozu alone, which then ends the program in order
            await asyncio.get_running_loop().subprocess_exec(
                lambda: child,
                *command,
                stdin=reading,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            child.close()
            raise
        finally:
            os.close(reading)
        return child

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while the program runs."""
        return self._transport.get_returncode() if self._transport is not None and self._ended.is_set() else None

    async def feed(self, data: bytes, idle_seconds: float) -> None:
        """Return when the program has read all of the data. Raises BrokenPipeError, and TimeoutError after
        `idle_seconds` in which it has read nothing."""
        view, loop = memoryview(data), asyncio.get_running_loop()
        while view:
            try:
                view = view[os.write(self._descriptor(), view) :]
            except BlockingIOError:
                async with asyncio.timeout(idle_seconds):
                    await self._writable()
        left, interval, deadline = self._unread(), _MIN_POLL_INTERVAL, loop.time() + idle_seconds
        while left:
            if self._ended.is_set():
                raise BrokenPipeError(f"the program ended ({self.describe_end()}) with {left} bytes unread")
            await asyncio.sleep(interval)
            before, left = left, self._unread()
            interval = min(interval * 2, _MAX_POLL_INTERVAL)
            if left < before:
                deadline = loop.time() + idle_seconds
            elif loop.time() > deadline:
                raise TimeoutError(f"the program has read nothing for {idle_seconds:g} s")

    async def end(self, grace: float) -> None:
        """Close the program's input, wait `grace` seconds, then send SIGTERM and SIGKILL to its process group."""
        self.close()
        for number, seconds in ((None, grace), (signal.SIGTERM, _KILL_AFTER), (signal.SIGKILL, _KILL_AFTER)):
            if number is not None:
                self._signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ended.wait()
                break
        if self._transport is not None:
            self._transport.close()

    def close(self) -> None:
        """Close the program's input, so that it reads the end of it."""
        if self._input is not None:
            os.close(self._input)
            self._input = None

    def describe_end(self) -> str:
        """Return the exit code or signal as text."""
        code = self.code
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport of the started process."""
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's does not derive from it

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Log the program's output line by line."""
        *lines, rest = (bytes(self._partial_line) + data).split(b"\n")
        self._partial_line[:] = rest[-_MAX_LINE:]
        for line in lines:
            self._log_line(line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Log a last line without a line end."""
        if self._partial_line:
            self._log_line(bytes(self._partial_line))
            self._partial_line.clear()

    def process_exited(self) -> None:
        """Note that the process has ended and was reaped."""
        self.ended = asyncio.get_running_loop().time()
        self._ended.set()

    def _log_line(self, line: bytes) -> None:
        self._log.info("%s", visible(line.decode("utf-8", "replace"))[:_MAX_LINE])

    # --- the pipe

    def _descriptor(self) -> int:
        if self._input is None:
            raise BrokenPipeError("the program's input is closed")
        return self._input

    def _unread(self) -> int:
        return int(struct.unpack("i", fcntl.ioctl(self._descriptor(), termios.FIONREAD, b"\0" * 4))[0])

    async def _writable(self) -> None:
        loop, descriptor = asyncio.get_running_loop(), self._descriptor()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_writer(descriptor, _set, ready)
        try:
            await ready
        finally:
            loop.remove_writer(descriptor)

    def _signal(self, number: signal.Signals) -> None:
        if self._transport is not None and not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), number)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
