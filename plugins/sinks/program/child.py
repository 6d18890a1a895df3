"""A program that reads alerts on its standard input."""

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

from mozu.plugins.sinks.lines import visible

_LONGEST_LINE: Final = 2000
_FIRST_LOOK, _LONGEST_LOOK = 0.0002, 0.02
"""Seconds between two looks at what the program has not read yet."""
_TERMINATE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""


class Child(asyncio.SubprocessProtocol):
    """Made by `start`. Its input is a pipe of our own, so that we can see how much of it is unread."""

    def __init__(self, log: Logger, descriptor: int) -> None:
        self._log = log
        self._input: int | None = descriptor
        self._rest = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended = asyncio.Event()
        self.started = self.ended = asyncio.get_running_loop().time()

    @classmethod
    async def start(cls, command: Sequence[str], log: Logger) -> "Child":
        """Raises OSError if the program cannot be started."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        child = cls(log, writing)
        try:
            # a session of its own: Ctrl-C is for mozu, which then ends the program in good order
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
        """Its exit code, negative for a signal; None while it runs."""
        return self._transport.get_returncode() if self._transport is not None and self._ended.is_set() else None

    async def feed(self, data: bytes, patience: float) -> None:
        """Return when the program has read all of it. Raises BrokenPipeError, TimeoutError (nothing moved)."""
        view, loop = memoryview(data), asyncio.get_running_loop()
        while view:
            try:
                view = view[os.write(self._descriptor(), view) :]
            except BlockingIOError:
                async with asyncio.timeout(patience):
                    await self._writable()
        left, pause, deadline = self._unread(), _FIRST_LOOK, loop.time() + patience
        while left:
            if self._ended.is_set():
                raise BrokenPipeError(f"the program ended ({self.told()}) with {left} bytes unread")
            await asyncio.sleep(pause)
            before, left = left, self._unread()
            pause = min(pause * 2, _LONGEST_LOOK)
            if left < before:
                deadline = loop.time() + patience
            elif loop.time() > deadline:
                raise TimeoutError(f"the program has read nothing for {patience:g} s")

    async def end(self, grace: float) -> None:
        """Close its input, wait `grace` seconds, then end it and what it has started."""
        self.close()
        for number, seconds in ((None, grace), (signal.SIGTERM, _TERMINATE), (signal.SIGKILL, _TERMINATE)):
            if number is not None:
                self._signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ended.wait()
                break
        if self._transport is not None:
            self._transport.close()

    def close(self) -> None:
        """The program reads the end of its input."""
        if self._input is not None:
            os.close(self._input)
            self._input = None

    def told(self) -> str:
        """How it ended, in words."""
        code = self.code
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    # --- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's is one in all but name

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """What it says goes to the log, line by line."""
        *lines, rest = (bytes(self._rest) + data).split(b"\n")
        self._rest[:] = rest[-_LONGEST_LINE:]
        for line in lines:
            self._say(line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Its last words may have no line end."""
        if self._rest:
            self._say(bytes(self._rest))
            self._rest.clear()

    def process_exited(self) -> None:
        """It has ended."""
        self.ended = asyncio.get_running_loop().time()
        self._ended.set()

    def _say(self, line: bytes) -> None:
        self._log.info("%s", visible(line.decode("utf-8", "replace"))[:_LONGEST_LINE])

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
