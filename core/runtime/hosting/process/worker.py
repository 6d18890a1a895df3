"""The parent's end of a component's process: launches the child, calls it, and kills it if it sends no heartbeat."""

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Final

from mozu.core.api import Context
from mozu.core.common.alert_output import alert_output
from mozu.core.cpu_wait import CpuWait, ExtraTime
from mozu.core.errors import MozuError, SinkClosed, SourceBroken, SourceUnavailable
from mozu.core.runtime.config.isolation import IsolationSettings
from mozu.core.runtime.hosting.process.limits import ProcessLimits
from mozu.core.runtime.hosting.process.messages import (
    LENGTH,
    MAX_BYTES,
    BuiltMessage,
    CallMessage,
    LifeMessage,
    LineMessage,
    ReplyMessage,
    of_child,
    packed,
)
from mozu.core.runtime.hosting.process.spec import ChildSpec

KNOWN_ERRORS: Final = (SinkClosed, SourceBroken, SourceUnavailable)
"""Errors of a contract, which a process may raise, too."""
_READ: Final = 1 << 18
_MOST_METRICS: Final = 1000
"""Number of metrics of one component that are accepted."""
_LOOK: Final = 1.0
"""Seconds between two checks for heartbeats."""
_BUILD_SECONDS: Final = 60.0
"""Seconds that a child may take until its component is built."""


class ProcessFailed(MozuError):
    """The end of a component's process."""


class RaisedInProcess(Exception):
    """An exception that a component raised in its process: class and text."""


class Worker:
    """A process. `launch` may block; everything else belongs on the event loop."""

    def __init__(self, spec: ChildSpec, settings: IsolationSettings, context: Context) -> None:
        self._spec, self._settings, self._context = spec, settings, context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: dict[int, asyncio.Future[object]] = {}
        self._number = 0
        self._received = bytearray()
        self._sending = asyncio.Lock()
        self._seen = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.why_ended = ""
        """Reason why the process has ended; empty while it runs."""
        self.counts: object = None
        """A source's counts, as the process sent them last."""
        self.built = BuiltMessage()

    def launch(self) -> BuiltMessage:
        """Start the process and build the component in it. Raises ProcessFailed."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [theirs.fileno(), alert_output()]
            command = [sys.executable, "-m", "mozu.core.runtime.hosting.process.child", *map(str, descriptors)]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=2, pass_fds=descriptors, env=environment
            )
        self._socket, self._finalizer = ours, weakref.finalize(self, _kill, self._process)
        settings = self._settings
        self._limits = ProcessLimits(self._process.pid, self._context.id, settings.memory, settings.cpus)
        try:
            ours.settimeout(_BUILD_SECONDS)
            ours.sendall(packed(self._spec))
            (length,) = LENGTH.unpack(_exactly(ours, LENGTH.size))
            built = of_child(_exactly(ours, min(length, MAX_BYTES)))
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self.end(f"it did not build the component: {error or type(error).__name__}")
            raise ProcessFailed(self.why_ended) from None
        if not isinstance(built, BuiltMessage) or built.error:
            self.end(built.error if isinstance(built, BuiltMessage) else "it did not say what it has built")
            raise ProcessFailed(self.why_ended)
        ours.setblocking(False)
        self.built = built
        return built

    async def call(self, method: str, *arguments: object) -> object:
        """Call a method of the component and return its result. Raises ProcessFailed and RaisedInProcess."""
        self._attach()
        if self.why_ended:
            raise ProcessFailed(f"its process is gone: {self.why_ended}")
        loop = asyncio.get_running_loop()
        self._number += 1
        number = self._number
        answer = self._calls[number] = loop.create_future()
        try:
            async with self._sending:
                await loop.sock_sendall(self._socket, packed(CallMessage(number, method, arguments)))
            return await answer
        except OSError as error:
            self.end(_how_it_ended(self._process) or str(error))
            raise ProcessFailed(f"its process is gone: {self.why_ended}") from None
        finally:
            self._calls.pop(number, None)

    def end(self, why: str) -> None:
        """Kill the process; every call under way fails with this reason."""
        if self.why_ended:
            return
        self.why_ended = why
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
        self._socket.close()
        self._finalizer()
        self._limits.release()
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(ProcessFailed(f"its process has ended: {why}"))
        self._calls.clear()

    # --- what the child sends

    def _attach(self) -> None:
        if self._loop is None and not self.why_ended:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._readable)
            self._seen, self._extra = self._loop.time(), ExtraTime(CpuWait(self._process.pid))
            self._look()

    def _look(self) -> None:
        """Kill the process if it has sent no heartbeat for too long, not counting time without a CPU; check again in a
        second."""
        assert self._loop is not None
        self._seen += self._extra.take()
        if self._loop.time() - self._seen > self._settings.answer:
            self.end(f"no heartbeat for {self._settings.answer:g} s")
            return
        self._limits.renew()
        self._timer = self._loop.call_later(_LOOK, self._look)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError as error:
            data = b""
            self._context.log.debug("its socket: %s", error)
        if not data:
            self.end(_how_it_ended(self._process) or "it has closed its connection")
            return
        self._received += data
        while len(self._received) >= LENGTH.size and not self.why_ended:
            (length,) = LENGTH.unpack_from(self._received)
            if length > MAX_BYTES:
                self.end(f"it has sent a message of {length} bytes; the most is {MAX_BYTES}")
                return
            if len(self._received) < LENGTH.size + length:
                return
            body = bytes(self._received[LENGTH.size : LENGTH.size + length])
            del self._received[: LENGTH.size + length]
            self._take(body)

    def _take(self, body: bytes) -> None:
        try:
            self._took(of_child(body))
        except Exception as error:  # noqa: BLE001  whatever a child sends is no reason to fail
            self.end(f"it has sent what is no message: {error}")

    def _took(self, message: object) -> None:
        assert self._loop is not None
        self._seen = self._loop.time()
        if isinstance(message, ReplyMessage):
            self._answer(message)
        elif isinstance(message, LifeMessage):
            self.counts = message.counts if message.counts is not None else self.counts
            self._publish(message)
        elif isinstance(message, LineMessage):
            self._context.log.log(message.level, "%s", message.text)

    def _answer(self, reply: ReplyMessage) -> None:
        answer = self._calls.get(reply.call)
        if answer is None or answer.done():
            return
        if reply.kind:
            answer.set_exception(_raised(reply))
        else:
            answer.set_result(reply.value)

    def _publish(self, life: LifeMessage) -> None:
        for name, labels, value in life.metrics[:_MOST_METRICS]:
            if not all(isinstance(text, str) for text in (name, *labels, *labels.values())):
                raise TypeError("names and labels of metrics are texts")
            self._context.metrics.gauge(name, _constant(value), **labels)


def _raised(reply: ReplyMessage) -> Exception:
    known = {one.__name__: one for one in KNOWN_ERRORS}
    if reply.kind in known:
        return known[reply.kind](reply.error)
    name = str(reply.kind)  # the log has it, as of what is raised in this process
    made: type[RaisedInProcess] = type(name, (RaisedInProcess,), {}) if name.isidentifier() else RaisedInProcess
    return made(reply.error)


def _constant(value: float) -> Callable[[], float]:
    return lambda: value


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("it has ended")
        data += part
    return bytes(data)


def _how_it_ended(process: "subprocess.Popen[bytes]") -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.05)
    code = process.returncode
    if code is None:
        return ""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"it has left with status {code}"


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and reap it on a thread: in the kernel it may take a while to end."""
    if process.poll() is None:
        process.kill()
        threading.Thread(target=process.wait, name="mozu-reap", daemon=True).start()
